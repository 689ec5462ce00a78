"""Numbers in words, by num2words."""

from functools import lru_cache

from num2words import num2words  # type: ignore[import-untyped]

LONGEST_CARDINAL = 15
"""Digits; nobody follows a longer number as one, so it is said digit by digit."""


@lru_cache(maxsize=2048)
def cardinal(digits: str, language: str = "en") -> str:
    """A whole number in words; ``digits`` are ASCII, with thousands' commas at will.

    A leading zero or too many digits mean that it is no quantity: digit by digit then. A language
    that num2words does not know gets the digits back as they are.
    """
    plain = digits.replace(",", "")
    if len(plain) > LONGEST_CARDINAL or (len(plain) > 1 and plain[0] == "0"):
        return one_by_one(plain, language)
    return _words(plain, "cardinal", language)


@lru_cache(maxsize=256)
def ordinal(value: int, language: str = "en") -> str:
    """ "third", "twenty-first"."""
    return _words(str(value), "ordinal", language)


@lru_cache(maxsize=512)
def year(value: int) -> str:
    """ "nineteen ninety-nine", "two thousand and eight", "twenty twenty-six"; English."""
    return _words(str(value), "year", "en").replace(" oh-", " oh ")


def decimal(whole: str, fraction: str, language: str = "en") -> str:
    """ "three point zero five": the whole, and the fraction digit by digit; English."""
    return f"{cardinal(whole, language)} point {one_by_one(fraction, language)}"


def one_by_one(digits: str, language: str = "en") -> str:
    """ "two zero one"; whatever is no digit is left out."""
    return " ".join(_words(digit, "cardinal", language) for digit in digits if digit.isdigit())


def _words(digits: str, form: str, language: str) -> str:
    try:
        words: str = num2words(int(digits), lang=language, to=form)
    except (NotImplementedError, OverflowError):
        return digits
    return words.replace(",", "")
