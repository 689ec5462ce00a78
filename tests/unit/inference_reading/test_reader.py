"""What is written, and what a voice is given to say."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.dialogue import prompts
from appliance.inference.reading.pronunciations import Pronunciation
from appliance.inference.reading.reader import Reader

READINGS = {
    # times
    "at 8:30": "at eight thirty",
    "at 08:05": "at eight oh five",
    "at 8:00.": "at eight o'clock.",
    "at 17:00": "at five P M",
    "at 20:15": "at eight fifteen P M",
    "at 0:30": "at twelve thirty eigh M",
    "until 24:00": "until midnight",
    "at 25:00": "at twenty-five:zero zero",
    "at 5 p.m. Please wait": "at five P M. Please wait",
    "at 5 p.m. today": "at five P M today",
    "8:30-17:00": "eight thirty eigh M to five P M",
    "from 9 to 5pm": "from nine to five P M",
    "8am-5pm": "eight eigh M to five P M",
    "Mon-Fri 9:00 to 12:00": "Monday to Friday nine to twelve",
    # dates
    "on March 3, 2026": "on March third, twenty twenty-six",
    "on 3rd of May": "on the third of May",
    "on the 3rd of May": "on the third of May",
    "on 12 Dec. at noon": "on the twelfth of December at noon",
    "on 2026-11-21": "on November twenty-first, twenty twenty-six",
    "on 3/4/2026": "on March fourth, twenty twenty-six",
    "on 31/4/2026": "on thirty-one, four, twenty twenty-six",
    "on 24.12.2026": "on the twenty-fourth of December, twenty twenty-six",
    "since 1905": "since nineteen oh five",
    "in 2008": "in two thousand and eight",
    "the 1990s": "the nineteen nineties",
    # telephone numbers, extensions, references
    "Call 555-1234.": "Call five five five, one two three four.",
    "5551234567": "five five five, one two three, four five six seven",
    "+49 30 1234567": "plus four nine, three zero, one two three four five six seven",
    "12345678": "one two three four, five six seven eight",
    "Dial 211.": "Dial two one one.",
    "ext. 204": "extension two zero four",
    "x4021": "extension four zero two one",
    "Press 1, or 12.": "Press one, or twelve.",
    "Room 12 or room 204": "Room twelve or room two zero four",
    "ticket INV-2041": "ticket I N V, two zero four one",
    # money, measures, counting
    "$12.50": "twelve dollars and fifty cents",
    "£0.99": "ninety-nine pence",
    "€1,200": "one thousand two hundred euros",
    "12.50 EUR": "twelve euros and fifty cents",
    "$1": "one dollar",
    "$5 million": "five million dollars",
    "3.05%": "three point zero five percent",
    "5 kg": "five kilograms",
    "-5 °C": "minus five degrees Celsius",
    "1,234": "one thousand two hundred and thirty-four",
    "the 1st and 22nd": "the first and twenty-second",
    "10-15 people": "ten to fifteen people",
    "No. 5 and #7": "number five and number seven",
    "007": "zero zero seven",
    "3/8 or 1/2": "three eighths or one half",
    "9/11": "nine slash eleven",
    "1990-1995": "nineteen ninety to nineteen ninety-five",
    "Sales/Support": "Sales, Support",
    "my_file": "my file",
    # addresses
    "info@example.com": "info at example dot com",
    "j.smith_4@mail.acme.co.uk": "J dot smith underscore four at mail dot acme dot co dot U K",
    "www.example.com/help.": "W W W dot example dot com slash help.",
    "https://acme.de": "acme dot D E",
    # abbreviations, acronyms, signs
    "Dr. Smith": "Doctor Smith",
    "St. John": "Saint John",
    "Baker St. near": "Baker Street near",
    "5 Elm Dr. Call him.": "five Elm Drive. Call him.",
    "Acme Ltd.": "Acme Limited.",
    "Smith & Co. of Rome": "Smith and Company of Rome",
    "offices, e.g. this": "offices, for example this",
    "the IT team": "the I T team",
    "VAT": "V eigh T",
    "U.K. law": "U K law",
    "NASA": "Nasa",
    "your PIN": "your pin",
    "J. R. Smith": "J R Smith",
    "Mr and Mrs Smith": "Mister and Missus Smith",
    "Henry VIII, Part IV": "Henry eight, Part four",
    "an IV or a VI": "an I V or a V I",
    "tel: 0800 123 456": "telephone: zero eight zero zero, one two three, four five six",
    "4G/5G": "four G, five G",
    # typography and decoration
    "PLEASE HOLD THE LINE": "please hold the line",
    "**Hello** there! 😀": "Hello there!",
    "John (sales) \u2013 the boss": "John, sales, the boss",
    "- one\n- two": "one, two",
    "see [our page](http://x.example/y)": "see our page",
    "⟦haI⟧": "haI",
    "": "",
    "?!": "",
}


@pytest.mark.parametrize(("written", "said"), READINGS.items())
def test_english(written: str, said: str) -> None:
    assert Reader().read(written) == said


def test_every_fixed_sentence_without_numbers_stays_as_it_is() -> None:
    # Extensions are said digit by digit already; only the menu's keys are figures.
    for written in prompts.SENTENCES.values():
        plain = written.format(**dict.fromkeys(_slots(written), "Alice"))
        said = Reader().read(plain)
        assert said == plain.replace("press 0", "press zero").replace(
            "Press 1 to", "Press one to"
        ).replace(", 2 to", ", two to")


def _slots(written: str) -> list[str]:
    return prompts._SLOT.findall(written)


@pytest.mark.parametrize(
    ("language", "written", "said"),
    [
        ("en-gb", "3/4/2026", "the third of April, twenty twenty-six"),
        ("en_US", "3/4/2026", "March fourth, twenty twenty-six"),
        ("de", "Wir haben 21 Filialen.", "Wir haben einundzwanzig Filialen."),
        ("de", "um 17:00", "um 17:00"),
        ("fr", "les 3 bureaux", "les trois bureaux"),
        ("de", "Tel. 03012345", "Tel. null drei null eins zwei drei vier fünf"),
        ("xx", "the 3 desks", "the 3 desks"),
    ],
)
def test_other_languages(language: str, written: str, said: str) -> None:
    assert Reader(language).read(written) == said


def test_names_come_first_and_are_not_read_again() -> None:
    names = [
        Pronunciation("Nguyen", "win"),
        Pronunciation("IT", "information technology"),
        Pronunciation("5th Avenue", "Fifth Ave"),
        Pronunciation("Siobhan", "shi vawn", "S@v'O:n"),
        Pronunciation("Leicester", "", "l'Est@"),
    ]
    reader = Reader("en", names)
    assert reader.read("Ask NGUYEN or Nguyens.") == "Ask win or Nguyens."
    assert reader.read("Is it IT?") == "Is it information technology?"
    assert reader.read("on 5th Avenue") == "on Fifth Ave"
    assert reader.read("Siobhan of Leicester") == "shi vawn of Leicester"
    assert reader.read("Siobhan of Leicester", phonemes=True) == "⟦S@v'O:n⟧ of ⟦l'Est@⟧"


@given(st.text(max_size=300))
@settings(max_examples=300, deadline=None)
def test_whatever_is_written_can_be_said(written: str) -> None:
    said = Reader().read(written)
    assert said.isprintable()
    assert not any(char.isascii() and char.isdigit() for char in said)
    assert "⟦" not in said


@given(st.text(alphabet="0123456789.,:-/+()$% aApPmM@#x", max_size=80))
@settings(max_examples=300, deadline=None)
def test_no_digit_is_left(written: str) -> None:
    assert not any(char.isdigit() for char in Reader().read(written))


@pytest.mark.parametrize(
    "piece", ["1-", "1:1", "a.", "www.", "A. ", "a@b.", "1,000", "+1 (1) ", "[a](", "12 ", "0"]
)
def test_hostile_texts_are_read_in_time(piece: str) -> None:
    text = (piece * 4096)[:4096]
    begun = time.process_time()
    Reader().read(text)
    assert time.process_time() - begun < 1.0
