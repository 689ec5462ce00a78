"""The command line: ``data`` or ``adopt``, then ``train``, ``export``, ``evaluate``, ``card``."""

import argparse
from pathlib import Path

STARTER = Path(__file__).parents[2] / "starter"
FIGURES = STARTER / "decider.figures.json"
WORK = Path("var/training/decider")
_STEPS = ("data", "adopt", "train", "export", "evaluate", "card")
FROM_NOTHING_STEPS, CONTINUED_STEPS = 12_000, 2_000


def main() -> None:
    """Do one step."""
    options = _options()
    # The steps need different packages: torch to train, llama.cpp to evaluate.
    if options.step == "data":
        from models.training.decider.tokens import learn_vocabulary

        learn_vocabulary().save(options.work / "vocabulary.json")
    elif options.step == "adopt":
        from models.training.decider.adopting import adopt

        adopt(options.model, options.work)
    elif options.step == "train":
        _train(options)
    elif options.step == "export":
        from models.training.decider.exporting import export

        export(options.work, options.model)
    elif options.step == "evaluate":
        from models.training.decider.evaluation import evaluate

        evaluate(options.model, STARTER / "wishes.npz", options.turns, FIGURES, options.show)
    else:
        from models.training.decider.card import write

        write(STARTER.parent / "README.md", FIGURES)


def _train(options: argparse.Namespace) -> None:
    from models.training.decider.training import Course, Trainer

    if options.from_nothing:
        course = Course(options.steps or FROM_NOTHING_STEPS, rows=8, easy_until=1200, pace=1.0)
    else:
        course = Course(options.steps or CONTINUED_STEPS)
    Trainer(options.work, course).run()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m models.training.decider")
    parser.add_argument("step", choices=_STEPS)
    parser.add_argument("--work", type=Path, default=WORK, help="vocabulary and checkpoint")
    parser.add_argument("--model", type=Path, default=STARTER / "decider.gguf")
    parser.add_argument("--from-nothing", action="store_true", help="train after data, not adopt")
    parser.add_argument("--steps", type=int, default=0, help="0: as many as the course has")
    parser.add_argument("--turns", type=int, default=600, help="turns to evaluate a set with")
    parser.add_argument("--show", type=int, default=0, help="wrong answers to show of each set")
    return parser.parse_args()


if __name__ == "__main__":
    main()
