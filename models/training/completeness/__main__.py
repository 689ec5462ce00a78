"""The command line: ``train`` and ``evaluate``."""

import argparse
from pathlib import Path

from models.training.completeness.evaluation import evaluate
from models.training.completeness.fitting import fit

STARTER = Path(__file__).parents[2] / "starter"


def main() -> None:
    """Do one step."""
    parser = argparse.ArgumentParser(prog="python -m models.training.completeness")
    parser.add_argument("step", choices=("train", "evaluate"))
    parser.add_argument("--model", type=Path, default=STARTER / "completeness.json")
    options = parser.parse_args()
    if options.step == "train":
        fit(options.model)
    else:
        evaluate(options.model, STARTER / "completeness.figures.json")


if __name__ == "__main__":
    main()
