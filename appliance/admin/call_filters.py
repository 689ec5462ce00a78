"""Which calls are asked for: the same filters for the page, the API and exports."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

from appliance.admin.fields import Line, Model, Time
from appliance.calls.decision import Priority
from appliance.calls.events import Outcome


class Sort(StrEnum):
    """The order of what a search found."""

    BEST = "best"
    NEWEST = "newest"


def _a_number(text: str) -> str:
    if text and not digits_of(text):
        raise ValueError("Write the last digits of a number.")
    return text


def digits_of(number: str) -> str:
    """What of a number counts: its digits, without the zeros that stand for the rest of it.

    So 030 222 finds +49 30 222.
    """
    return "".join(c for c in number if c.isascii() and c.isdigit()).lstrip("0")


class FilterQuery(Model):
    """Filters; all that are given have to hold."""

    after: Time | None = Field(default=None, description="calls that began then or later")
    before: Time | None = Field(default=None, description="calls that began earlier")
    number: Annotated[Line, AfterValidator(_a_number)] = Field(
        default="", description="the last digits of the caller's number or of the DID"
    )
    person: Line = Field(
        default="",
        description="id of a person or department: who was called, or for whom a message is",
    )
    label: Line = Field(default="", description="a label that the call has")
    outcome: Outcome | None = None
    priority: Priority | None = Field(
        default=None, description="the most urgent that the call was given"
    )
    going_on: bool = Field(default=False, description="only calls that are not over")
    words: Line = Field(
        default="",
        description='words of transcripts, messages and callers\' names; "as a phrase", or, -not',
    )
    sort: Sort = Field(
        default=Sort.BEST,
        description="of a search: the best (of the newest, where very many fit: see ranked_since), "
        "or all, the newest first",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFilter:
    """Which calls; what is None or empty does not matter.

    Attributes:
        after, before: bounds of the call's beginning; ``before`` itself is left out.
        number: how the caller's number or the DID ends.
        target: id of a person or department.
        words: as a search engine's users write them.
    """

    after: datetime | None = None
    before: datetime | None = None
    number: str = ""
    target: str = ""
    label: str = ""
    outcome: Outcome | None = None
    priority: Priority | None = None
    going_on: bool = False
    words: str = ""
    sort: Sort = Sort.BEST

    @property
    def digits(self) -> str:
        """Of ``number``."""
        return digits_of(self.number)

    @property
    def ranked(self) -> bool:
        """Whether the best come first."""
        return bool(self.words) and self.sort is Sort.BEST

    @classmethod
    def of(cls, query: FilterQuery) -> "CallFilter":
        """From what a request asks for."""
        return cls(
            after=query.after, before=query.before, number=query.number, target=query.person,
            label=query.label, outcome=query.outcome, priority=query.priority,
            going_on=query.going_on, words=query.words, sort=query.sort,
        )  # fmt: skip
