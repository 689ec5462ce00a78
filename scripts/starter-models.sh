#!/usr/bin/env bash
# Makes the starter models again: data, training, export, figures. Some five hours on two cores.
#
# The Whisper and the voice are trained from nothing; the decider goes on from the one that is there,
# or from nothing too with FROM_NOTHING=1 (some hours more). What was begun is gone on with.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\033[1m==> %s\033[0m\n' "$*"; }
if ! ldconfig -p | grep -q libflite.so.1; then
    echo "The flite voices are missing: install libflite1, then run this again" >&2
    exit 1
fi
uv=$(command -v uv || echo var/uv/bin/uv)
if [ ! -d var/training/python/torch ]; then
    say "PyTorch, into var/training"
    "$uv" pip install --quiet --python .venv/bin/python --target var/training/python.part 'torch>=2.5'
    mv var/training/python.part var/training/python
fi
# One thread each: small matrices lose more to waiting than they gain from a second core.
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1
train() { say "$*"; PYTHONPATH=.:var/training/python .venv/bin/python -m "models.training.$@"; }

for model in wishes completeness; do
    train "$model" train
    train "$model" evaluate
done
for step in data train export evaluate card; do
    train speech "$step"
done
for step in data train export evaluate card; do
    train voice "$step"
done
if [ "${FROM_NOTHING:-}" ]; then
    train decider data
    train decider train --from-nothing
else
    train decider adopt
    train decider train
fi
train decider export
train decider evaluate
train decider card
say "checksums"
bash scripts/starter-checksums.sh
