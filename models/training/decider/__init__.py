"""Makes the starter decider: a llama-architecture GGUF that reads a turn and a directory.

Run as ``python -m models.training.decider data``, then ``train``, ``export`` and ``evaluate``:

1. `tokens` learns the vocabulary from `models.training.sentences`.
2. `examples` packs directories and turns, as `prompts` writes them, into batches without end.
3. `network` is the architecture; `training` trains it with `muon`, resuming from its checkpoint.
4. `exporting` writes the GGUF that llama.cpp loads.
5. `evaluation` asks it, alone and inside the appliance's decision chain, about wording and names
   that training never saw and about the handwritten turns.

Training needs torch, tokenizers and gguf beside what the appliance needs.
"""
