"""``python -m models.training.speech {data,train,export,evaluate,card}``."""

import argparse
from pathlib import Path

_STARTER = Path(__file__).parents[2] / "starter" / "whisper"
_WORK = Path("build") / "starter-speech"


def main() -> None:
    """Run one step."""
    arguments = _parser().parse_args()
    if arguments.step == "data":
        from models.training.speech.data import make

        make(arguments.data, arguments.shards, arguments.each)
    elif arguments.step == "train":
        import torch

        from models.training.speech.training import Plan, Training

        torch.set_num_threads(1)
        arguments.checkpoint.parent.mkdir(parents=True, exist_ok=True)
        Training(
            Plan(
                arguments.data,
                arguments.checkpoint,
                arguments.minutes,
                arguments.width,
                arguments.continue_from,
            )
        ).run()
    elif arguments.step == "export":
        from models.training.speech.exporting import export

        export(arguments.checkpoint, arguments.model, arguments.earlier, arguments.share)
    elif arguments.step == "card":
        from models.training.speech.card import write

        write(_STARTER.parents[1] / "README.md", arguments.model)
    else:
        from models.training.speech.evaluation import evaluate

        arguments.measured.parent.mkdir(parents=True, exist_ok=True)
        evaluate(arguments.model, arguments.each, arguments.measured, arguments.only)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m models.training.speech", description=__doc__)
    steps = parser.add_subparsers(dest="step", required=True)
    data = steps.add_parser("data", help="make the training data (half an hour, 0.8 GB)")
    data.add_argument("--shards", type=int, default=24)
    data.add_argument("--each", type=int, default=2000, help="utterances in a shard")
    train = steps.add_parser("train", help="train the network, or go on from its checkpoint")
    train.add_argument("--minutes", type=float, default=170.0, help="of training in all")
    train.add_argument("--width", type=int, default=128)
    train.add_argument("--continue-from", type=Path, help="an exported model to begin with")
    export = steps.add_parser("export", help="write the model for faster-whisper")
    export.add_argument("--earlier", type=Path, help="the model that training went on from")
    export.add_argument("--share", type=float, default=0.5, help="of what was learned since")
    evaluate = steps.add_parser("evaluate", help="hear the test sets through the engine")
    evaluate.add_argument("--each", type=int, default=50, help="utterances in a set")
    evaluate.add_argument("--only", default="", help="sets with this in their name")
    evaluate.add_argument("--measured", type=Path, default=_WORK / "measured.json", help="so far")
    card = steps.add_parser("card", help="put the figures into the model card")
    for step in (data, train):
        step.add_argument("--data", type=Path, default=_WORK / "data")
    for step in (train, export):
        step.add_argument("--checkpoint", type=Path, default=_WORK / "checkpoint.pt")
    for step in (export, evaluate, card):
        step.add_argument("--model", type=Path, default=_STARTER)
    return parser


if __name__ == "__main__":
    main()
