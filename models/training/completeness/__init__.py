"""Makes the model that tells whether a caller sounds finished.

Run as ``python -m models.training.completeness train``, then ``evaluate``:

1. `cuts` says `models.training.sentences` and cuts them at random places.
2. `fitting` fits a logistic regression over what `appliance.speech.completeness` looks at.
3. `evaluation` measures it, and the rule that works without it, on sentences never seen.

It needs nothing but numpy, and half a minute of one core.
"""
