"""Makes the model that tells a caller's wish from the words alone (`appliance.decisions.wishes`).

Run as ``python -m models.training.wishes train``, then ``evaluate``. It needs numpy and some
minutes of one core. The decider's evaluation measures it inside the whole chain.
"""
