"""Taking a message: name, number to call back, read-back, message text.

A form is asked for in that order; what is known already is not asked. Name and number are read
back, the number digit by digit, and "no" leads to a correction. Nothing in here can loop: every
question is asked at most twice more, then the form goes on with what it has.
"""

from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any

from appliance.decisions.introduction import introduction
from appliance.decisions.policies.closed_answers import says_no, says_yes
from appliance.decisions.spoken import digits_in
from appliance.decisions.text import words_of
from appliance.decisions.words import COURTESY, bag
from appliance.dialogue import prompts
from appliance.dialogue.prompts import SENTENCES
from appliance.dialogue.steps import Expect

MIN_DIGITS, MAX_DIGITS = 3, 15
MAX_TRIES = 2
MAX_CORRECTIONS = 3
MAX_TEXT_CHARS = 1000

_NOT_IN_NAMES = COURTESY | bag(
    "my name is it this i am called calling speaking here the no not a what from number "
    "wrong correct right last first spelled sir madam"
)


class Field(StrEnum):
    """What the form asks for at the moment."""

    NAME = "name"
    NUMBER = "number"
    CONFIRM = "confirm"
    WHICH = "which"
    TEXT = "text"
    DONE = "done"


@dataclass
class Intake:
    """One message form; a small state machine driven by what the caller says or keys.

    Attributes:
        target_id: whom the message is for.
        number: digits only; empty when none was given.
        tries: failed answers to the present question.
    """

    target_id: str
    name: str = ""
    number: str = ""
    text: str = ""
    field: Field = Field.NAME
    tries: int = 0
    corrections: int = 0

    @classmethod
    def begin(cls, target_id: str, caller_name: str, caller_number: str) -> "Intake":
        """Start a form with what is known about the caller."""
        form = cls(target_id, prompts.safe(caller_name), _number(caller_number))
        form.field = form._next()
        return form

    def question(self) -> str:
        """The sentence that asks for the present field."""
        match self.field:
            case Field.NAME:
                return SENTENCES["intake_name"]
            case Field.NUMBER:
                return SENTENCES["intake_number"]
            case Field.CONFIRM:
                return prompts.confirm(self.name, self.number)
            case Field.WHICH:
                return SENTENCES["intake_which"]
            case _:
                return SENTENCES["intake_text"]

    @property
    def expect(self) -> Expect:
        """What kind of answer the present question has."""
        if self.field is Field.NUMBER:
            return "digits"
        return "closed" if self.field in (Field.CONFIRM, Field.WHICH) else "open"

    @property
    def done(self) -> bool:
        """Whether the message is complete."""
        return self.field is Field.DONE

    def heard(self, text: str) -> bool:
        """Take an answer; False when it was of no use and the question has to be asked again."""
        words = words_of(text)
        match self.field:
            case Field.NAME:
                return self._name(words)
            case Field.NUMBER:
                return self._digits(digits_in(words), declined=says_no(" ".join(words)))
            case Field.CONFIRM:
                return self._confirmed(words)
            case Field.WHICH:
                return self._which(words)
            case Field.TEXT:
                self.text = " ".join(text.split())[:MAX_TEXT_CHARS]
                self.field = Field.DONE if self.text else self._give_up_on_text()
                return self.done
        return True

    def keyed(self, digits: str) -> bool:
        """Take keyed digits: a number, or 1 for yes and 2 for no."""
        if self.field is Field.NUMBER:
            return self._digits(digits, declined=False)
        if self.field is Field.CONFIRM and digits in ("1", "2"):
            return self.heard("yes" if digits == "1" else "no")
        return False

    def _next(self) -> Field:
        if not self.name and self.field is Field.NAME and self.tries < MAX_TRIES:
            return Field.NAME
        if not self.number and self.field in (Field.NAME, Field.WHICH):
            return Field.NUMBER
        return Field.CONFIRM if self.name or self.number else Field.TEXT

    def _again(self, give_up: Field) -> bool:
        """Count a useless answer; the form goes on without it after the last one."""
        self.tries += 1
        if self.tries < MAX_TRIES:
            return False
        self._go(give_up)
        return True

    def _go(self, to: Field) -> None:
        self.field, self.tries = to, 0

    def _name(self, words: tuple[str, ...]) -> bool:
        name = _name_in(words)
        if not name:
            return self._again(Field.CONFIRM if self.number else Field.NUMBER)
        self.name = name
        self._go(Field.CONFIRM if self.number else Field.NUMBER)
        return True

    def _digits(self, digits: str, declined: bool) -> bool:
        after = Field.CONFIRM if self.name else Field.TEXT
        if declined and not digits:
            self._go(after)
            return True
        if not MIN_DIGITS <= len(digits) <= MAX_DIGITS:
            return self._again(after)
        self.number = digits
        self._go(Field.CONFIRM)
        return True

    def _confirmed(self, words: tuple[str, ...]) -> bool:
        said = " ".join(words)
        digits = digits_in(words)
        name = introduction(said).name
        if says_yes(said):
            self._go(Field.TEXT)
            return True
        if self.corrections >= MAX_CORRECTIONS:
            self._go(Field.TEXT)
            return True
        if MIN_DIGITS <= len(digits) <= MAX_DIGITS or name:
            self.corrections += 1
            self.number = digits if MIN_DIGITS <= len(digits) <= MAX_DIGITS else self.number
            self.name = prompts.safe(name.title()) if name else self.name
            return True
        if not says_no(said):
            return self._again(Field.TEXT)
        self.corrections += 1
        self._wrong(said)
        return True

    def _wrong(self, said: str) -> None:
        """After a "no": ask for what is wrong, or which of the two it is."""
        if "name" in said or not self.number:
            self.name = ""
            self._go(Field.NAME)
        elif "number" in said or not self.name:
            self.number = ""
            self._go(Field.NUMBER)
        else:
            self._go(Field.WHICH)

    def _which(self, words: tuple[str, ...]) -> bool:
        both = "both" in words
        if "number" in words and not both:
            self.number = ""
            self._go(Field.NUMBER)
        elif "name" in words and not both:
            self.name = ""
            self._go(Field.NAME)
        elif both or self.tries + 1 >= MAX_TRIES:
            self.name = self.number = ""
            self._go(Field.NAME)
        else:
            self.tries += 1
            return False
        return True

    def _give_up_on_text(self) -> Field:
        self.tries += 1
        return Field.DONE if self.tries >= MAX_TRIES else Field.TEXT

    def state(self) -> dict[str, Any]:
        """Plain JSON-ready data."""
        return asdict(self)

    @classmethod
    def resume(cls, state: dict[str, Any]) -> "Intake":
        """The reverse of :meth:`state`; unknown keys are dropped.

        Raises:
            TypeError, ValueError: when the state is not one of ours.
        """
        known = {f.name for f in fields(cls)}
        form = cls(**{key: value for key, value in state.items() if key in known})
        form.field = Field(form.field)
        return form


def _number(text: str) -> str:
    digits = "".join(char for char in text if char in "0123456789")
    return digits if MIN_DIGITS <= len(digits) <= MAX_DIGITS else ""


def _name_in(words: tuple[str, ...]) -> str:
    """The name in an answer to "what is your name": "it is john smith please"."""
    given = introduction(" ".join(words)).name.split()
    kept = given or [word for word in words if word not in _NOT_IN_NAMES and not word.isdigit()]
    if digits_in(kept):
        return ""
    return prompts.safe(" ".join(kept[:4]).title())
