"""The command line: ``data``, ``train``, ``export`` and ``evaluate``."""

import argparse
from pathlib import Path

STARTER = Path(__file__).parents[2] / "starter"
WORK = Path("var/training/decider")


def main() -> None:
    """Do one step."""
    parser = argparse.ArgumentParser(prog="python -m models.training.decider")
    parser.add_argument("step", choices=("data", "train", "export", "evaluate"))
    parser.add_argument("--work", type=Path, default=WORK, help="vocabulary and checkpoint")
    parser.add_argument("--model", type=Path, default=STARTER / "decider.gguf")
    parser.add_argument("--steps", type=int, default=3600)
    parser.add_argument("--turns", type=int, default=1200, help="turns to evaluate a set with")
    options = parser.parse_args()
    # The steps need different packages: torch to train, llama.cpp to evaluate.
    if options.step == "data":
        from models.training.decider.tokens import learn_vocabulary

        learn_vocabulary().save(options.work / "vocabulary.json")
    elif options.step == "train":
        from models.training.decider.training import Course, Trainer

        Trainer(options.work, Course(steps=options.steps)).run()
    elif options.step == "export":
        from models.training.decider.exporting import export

        export(options.work, options.model)
    else:
        from models.training.decider.evaluation import evaluate

        evaluate(options.model, options.turns, STARTER / "decider.figures.json")


if __name__ == "__main__":
    main()
