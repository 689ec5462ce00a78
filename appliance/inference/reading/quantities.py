"""Money, measures, ranges, ordinals and plain numbers, in English words."""

import re

from appliance.inference.reading.numbers import cardinal, decimal, one_by_one, ordinal, year
from appliance.inference.reading.rules import Rule, any_of

# Sign or code: one, many, one hundredth, many hundredths.
_DOLLAR = ("dollar", "dollars", "cent", "cents")
_EURO = ("euro", "euros", "cent", "cents")
_POUND = ("pound", "pounds", "penny", "pence")
_FRANC = ("franc", "francs", "centime", "centimes")
_MONEY = {"$": _DOLLAR, "US$": _DOLLAR, "USD": _DOLLAR, "€": _EURO, "EUR": _EURO, "£": _POUND}
_MONEY |= {"GBP": _POUND, "CHF": _FRANC, "dollars": _DOLLAR, "euros": _EURO, "euro": _EURO}
_MONEY |= {"pounds": _POUND, "dollar": _DOLLAR}
_SCALES = {"k": "thousand", "m": "million", "bn": "billion"}
_SCALES |= {word: word for word in ("thousand", "million", "billion")}

_UNITS = {
    "km/h": ("kilometre per hour", "kilometres per hour"),
    "mph": ("mile per hour", "miles per hour"),
    "km": ("kilometre", "kilometres"),
    "cm": ("centimetre", "centimetres"),
    "mm": ("millimetre", "millimetres"),
    "m": ("metre", "metres"),
    "m²": ("square metre", "square metres"),
    "ft": ("foot", "feet"),
    "mi": ("mile", "miles"),
    "kg": ("kilogram", "kilograms"),
    "mg": ("milligram", "milligrams"),
    "g": ("gram", "grams"),
    "lb": ("pound", "pounds"),
    "lbs": ("pound", "pounds"),
    "oz": ("ounce", "ounces"),
    "l": ("litre", "litres"),
    "ml": ("millilitre", "millilitres"),
    "°C": ("degree Celsius", "degrees Celsius"),
    "°F": ("degree Fahrenheit", "degrees Fahrenheit"),
    "°": ("degree", "degrees"),
    "%": ("percent", "percent"),
    "kWh": ("kilowatt hour", "kilowatt hours"),
    "kW": ("kilowatt", "kilowatts"),
    "W": ("watt", "watts"),
    "V": ("volt", "volts"),
    "GB": ("gigabyte", "gigabytes"),
    "MB": ("megabyte", "megabytes"),
    "TB": ("terabyte", "terabytes"),
    "Mbit/s": ("megabit per second", "megabits per second"),
    "Hz": ("hertz", "hertz"),
    "kHz": ("kilohertz", "kilohertz"),
    "h": ("hour", "hours"),
    "hr": ("hour", "hours"),
    "hrs": ("hour", "hours"),
    "min": ("minute", "minutes"),
    "mins": ("minute", "minutes"),
    "sec": ("second", "seconds"),
    "s": ("second", "seconds"),
    "ms": ("millisecond", "milliseconds"),
}
_FINEST = 10  # the smallest part that is said as one
_FRACTIONS = {"1/2": "one half", "1/4": "one quarter", "3/4": "three quarters", "1/3": "one third"}
_FRACTIONS |= {"2/3": "two thirds", "24/7": "twenty-four seven"}
_SIGNS = {"½": "one half", "¼": "one quarter", "¾": "three quarters"}

_YEAR = re.compile(r"(?:1[1-9]|20)\d\d")
_WHOLE = r"(\d{1,3}(?:,\d{3})+|\d+)"
_NUMBER = rf"{_WHOLE}(?:\.(\d+))?"
_LEFT = r"(?<![\w.,:/])(?<!\d-)"


def number(whole: str, fraction: str | None) -> str:
    """A whole or decimal number in words."""
    return decimal(whole, fraction) if fraction else cardinal(whole)


def money(whole: str, hundredths: str | None, names: tuple[str, str, str, str]) -> str:
    """ "twelve dollars and fifty cents"."""
    one, many, cent, cents = names
    large = f"{cardinal(whole)} {one if whole == '1' else many}"
    small = int((hundredths or "0").ljust(2, "0"))
    if not small:
        return large
    part = f"{cardinal(str(small))} {cent if small == 1 else cents}"
    return part if whole.strip("0") == "" else f"{large} and {part}"


def _money_before(match: re.Match[str]) -> str | None:
    sign, whole, fraction, scale = match.groups()
    return _amount(sign, whole, fraction, scale)


def _money_after(match: re.Match[str]) -> str | None:
    whole, fraction, sign = match.groups()
    return _amount(sign, whole, fraction, None)


def _amount(sign: str, whole: str, fraction: str | None, scale: str | None) -> str | None:
    names = _MONEY[sign]
    if scale:
        return f"{number(whole, fraction)} {_SCALES[scale.lower()]} {names[1]}"
    if fraction and len(fraction) > 2:
        return f"{number(whole, fraction)} {names[1]}"
    return money(whole, fraction, names)


def _unit(match: re.Match[str]) -> str:
    sign, whole, fraction, unit = match.groups()
    one, many = _UNITS[unit]
    minus = "minus " if sign else ""
    return f"{minus}{number(whole, fraction)} {one if whole == '1' and not fraction else many}"


def _range(match: re.Match[str]) -> str:
    low, low_part, high, high_part = match.groups()
    if _YEAR.fullmatch(low) and _YEAR.fullmatch(high):
        return f"{year(int(low))} to {year(int(high))}"
    return f"{number(low, low_part)} to {number(high, high_part)}"


def _fraction(match: re.Match[str]) -> str | None:
    """ "three eighths"; what cannot be a part of something is said as it is written."""
    upper, lower = int(match.group(1)), int(match.group(2))
    if not 0 < upper < lower <= _FINEST:
        return f"{cardinal(match.group(1))} slash {cardinal(match.group(2))}"
    return f"{cardinal(str(upper))} {ordinal(lower)}{'' if upper == 1 else 's'}"


def _ordinal(match: re.Match[str]) -> str | None:
    return ordinal(int(match.group(1))) if len(match.group(1)) < 7 else None


def _bare(match: re.Match[str]) -> str:
    sign, whole, fraction = match.groups()
    minus = "minus " if sign else ""
    if fraction is None and not sign and _YEAR.fullmatch(whole):
        return year(int(whole))
    return minus + number(whole, fraction)


def _version(match: re.Match[str]) -> str:
    return " point ".join(cardinal(part) for part in match.group().split("."))


def rules() -> list[Rule]:
    """What is measured or counted, the plainest last."""
    money_end = r"(?:\s?(thousand|million|billion|k|m|bn)\b)?"
    return [
        Rule(
            re.compile(
                rf"(?<!\w)({any_of(k for k in _MONEY if not k.islower())})\s?{_NUMBER}{money_end}"
            ),
            _money_before,
        ),
        Rule(re.compile(rf"{_LEFT}{_NUMBER}\s?({any_of(_MONEY)})(?!\w)"), _money_after),
        Rule(re.compile(rf"{_LEFT}([-\u2212]?){_NUMBER}\s?({any_of(_UNITS)})(?![\w/])"), _unit),
        Rule(
            re.compile(rf"(?<![\w/.])({any_of(_FRACTIONS)})(?![\w/]|\.\d)"),
            lambda m: _FRACTIONS[m.group(1)],
        ),
        Rule(re.compile(rf"{_LEFT}(\d{{1,3}})/(\d{{1,3}})(?![\w/]|\.\d)"), _fraction),
        Rule(re.compile("[½¼¾]"), lambda m: f" {_SIGNS[m.group()]}"),
        Rule(
            re.compile(
                rf"{_LEFT}(\d{{1,6}})(?:\.(\d+))?\s?[-\u2013\u2014]\s?(\d{{1,6}})(?:\.(\d+))?(?![\w-]|[.,:]\d)"
            ),
            _range,
        ),
        Rule(re.compile(rf"{_LEFT}(\d+)(?:st|nd|rd|th)\b"), _ordinal),
        Rule(re.compile(r"\b[Nn]o\. ?(?=\d)"), lambda _: "number "),
        Rule(re.compile(r"#(?=\d)"), lambda _: "number "),
        Rule(re.compile(r"(?<![\w.])\d{1,4}(?:\.\d{1,4}){2,3}(?![\w.])"), _version),
        Rule(re.compile(rf"(?<![\w.])(?<!\d,)([-\u2212]?){_NUMBER}(?!\d)"), _bare),
        Rule(re.compile(r"\d+"), lambda m: one_by_one(m.group())),
    ]
