"""Kinds of arguments that several commands take."""

import argparse


def at_least_one(text: str) -> int:
    """A count.

    Raises:
        argparse.ArgumentTypeError: saying what is wanted.
    """
    if not (text.isascii() and text.isdigit()) or int(text[:9]) < 1:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no number from 1 up")
    return int(text[:9])
