"""``python -m models.training.voice {data,train,export,evaluate,card}``."""

import argparse
from pathlib import Path

_STARTER = Path(__file__).parents[2] / "starter" / "voice" / "starter.onnx"
_WORK = Path("build") / "starter-voice"


def main() -> None:
    """Run one step."""
    arguments = _parser().parse_args()
    if arguments.step == "data":
        from models.training.voice.data import make

        make(arguments.data, arguments.count)
    elif arguments.step == "train":
        from models.training.voice.training import train

        train(arguments.data, arguments.checkpoint, arguments.minutes)
    elif arguments.step == "export":
        from models.training.voice.exporting import export

        export(arguments.checkpoint, arguments.voice)
    elif arguments.step == "evaluate":
        from models.training.voice.evaluation import evaluate

        evaluate(
            arguments.voice,
            arguments.recognizer,
            arguments.each,
            arguments.checkpoint,
            arguments.data,
        )
    else:
        from models.training.voice.card import write

        write(_STARTER.parents[2] / "README.md", arguments.voice)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m models.training.voice", description=__doc__)
    steps = parser.add_subparsers(dest="step", required=True)
    data = steps.add_parser("data", help="make the training data (some minutes, 90 MB)")
    data.add_argument("--count", type=int, default=3000, help="texts")
    train = steps.add_parser("train", help="train the network, or go on from its checkpoint")
    train.add_argument("--minutes", type=float, default=13.0, help="of processor time in all")
    export = steps.add_parser("export", help="write the voice for Piper")
    evaluate = steps.add_parser("evaluate", help="have the starter recogniser hear the voice")
    evaluate.add_argument("--each", type=int, default=100, help="sentences")
    evaluate.add_argument("--recognizer", type=Path, default=_STARTER.parents[1] / "whisper")
    card = steps.add_parser("card", help="put the figures into the model card")
    for step in (data, train, evaluate):
        step.add_argument("--data", type=Path, default=_WORK / "data.npz")
    for step in (train, export, evaluate):
        step.add_argument("--checkpoint", type=Path, default=_WORK / "checkpoint.pt")
    for step in (export, evaluate, card):
        step.add_argument("--voice", type=Path, default=_STARTER)
    return parser


if __name__ == "__main__":
    main()
