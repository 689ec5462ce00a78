"""Makes the starter decider: a llama-architecture GGUF that reads a turn and a directory.

Run as ``python -m models.training.decider adopt``, then ``train``, ``export`` and ``evaluate``; to
begin from nothing, ``data`` and ``train --from-nothing`` in place of the first two.

1. `adopting` takes vocabulary and weights from the decider that is there; `tokens` learns a
   vocabulary from `models.training.sentences` instead.
2. `examples` packs directories and turns, as `prompts` writes them, into batches without end.
3. `network` is the architecture; `training` trains it with `muon`, resuming from its checkpoint.
4. `exporting` writes the GGUF that llama.cpp loads.
5. `evaluation` asks it, alone and inside the appliance's decision chain, about wording and names
   that training never saw and about the handwritten turns.

Training needs torch, tokenizers and gguf beside what the appliance needs.
"""
