"""Makes the starter model for speech to text, on synthetic telephone speech alone.

Run as ``python -m models.training.speech data``, then ``train``, ``export`` and ``evaluate``. A
sentence goes this way:

1. `utterances` invents it from the closed vocabulary of `lexicon`.
2. `espeak` or `flite` speaks it and says when each phone and word sounds.
3. `telephone` sends it down a line: band, companding, level; `sounds` makes what is no speech.
4. `features` turns it into the log-mel frames that faster-whisper would show the model; `shards`
   keeps them on disk.
5. `augmentation` and `batches` add noise, hiss, other vocal tracts and tempi as it is trained on.
6. `network` is the architecture, `training` trains it, `exporting` writes it for CTranslate2.
7. `evaluation` hears `testsets` through the appliance's own engine.

Training needs torch; the other steps need what the appliance needs, libespeak-ng and libflite.
"""
