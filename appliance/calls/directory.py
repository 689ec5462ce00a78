"""Whom the appliance can connect a caller to: one organisation's directory, as a frozen snapshot.

A snapshot is read once per call, so a change takes effect on the next call and never in the
middle of one.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from appliance.calls.errors import ConfigurationError
from appliance.calls.hours import OpeningHours, always_open
from appliance.calls.transfer import TransferMode

EXTENSION = re.compile(r"[0-9]{2,8}")
DID_NUMBER = re.compile(r"\+?[0-9]{2,15}")


def checked_extension(number: str) -> str:
    """Return ``number`` when it is an extension (2 to 8 digits).

    Whatever reaches a dial string has passed here: no other character can get into one.

    Raises:
        ConfigurationError: naming the number otherwise.
    """
    if not EXTENSION.fullmatch(number):
        raise ConfigurationError(f"extension {number!r}: write 2 to 8 digits and nothing else")
    return number


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a telephone.

    Attributes:
        id: UUID as text.
        name: as it is spoken to callers.
        extension: internal number that rings the person's phone.
        aliases: other things callers say for this person ("Bob", "doctor lee").
        transfer_mode: how callers are handed over.
        ring_timeout_s: how long the phone may ring.
    """

    id: str
    name: str
    extension: str
    aliases: tuple[str, ...] = ()
    transfer_mode: TransferMode = TransferMode.ATTENDED
    ring_timeout_s: int = 20

    @property
    def extensions(self) -> tuple[str, ...]:
        """The numbers to ring; the same shape as a department's."""
        return (self.extension,)


@dataclass(frozen=True, slots=True)
class Department:
    """A group of phones that ring together.

    Attributes:
        extensions: the members' numbers, all rung at once; the first to answer wins.
        topics: what callers ask about when they mean this department ("invoice", "refund").
        hours: the department's own hours, or None for the organisation's.
    """

    id: str
    name: str
    extensions: tuple[str, ...]
    aliases: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    transfer_mode: TransferMode = TransferMode.ATTENDED
    ring_timeout_s: int = 20
    hours: OpeningHours | None = None


Target = Person | Department


LANGUAGES = {
    "en": "English", "cs": "Czech", "da": "Danish", "de": "German", "es": "Spanish",
    "fi": "Finnish", "fr": "French", "hu": "Hungarian", "it": "Italian", "nl": "Dutch",
    "no": "Norwegian", "pl": "Polish", "pt": "Portuguese", "ro": "Romanian", "sv": "Swedish",
    "tr": "Turkish", "uk": "Ukrainian",
}  # fmt: skip
"""What a persona's callers may speak, as Whisper names it."""


@dataclass(frozen=True, slots=True)
class Persona:
    """Who the appliance is on a call: what it says of itself, and how it sounds.

    Every text is said word for word; an empty one leaves the appliance's own sentence.

    Attributes:
        id: UUID as text.
        name: what operators call the persona; callers never hear it.
        house: the organisation's name as it is spoken; empty means as it is written.
        greeting: spoken first.
        voice: as the model server calls it; empty means the server's own.
        language: what callers speak, as Whisper names it; nothing but the recogniser goes by it.
        help: asks for the caller's wish.
        closed_help: in place of `help` after hours.
        introduction: answers "are you a robot?".
        anything_else: asks for a further wish.
        goodbye: ends a call in friendship.
    """

    id: str = ""
    name: str = ""
    house: str = ""
    greeting: str = "Hello."
    voice: str = ""
    language: str = "en"
    help: str = ""
    closed_help: str = ""
    introduction: str = ""
    anything_else: str = ""
    goodbye: str = ""


@dataclass(frozen=True, slots=True)
class Did:
    """A number that callers dial from outside.

    Attributes:
        persona: id of who answers it; empty means the organisation's.
    """

    number: str
    persona: str = ""


@dataclass(frozen=True, slots=True)
class Trunk:
    """A provider's line, as far as calls out over it go.

    Attributes:
        prefixes: first digits of the numbers that may be dialled over it; none without any.
    """

    name: str
    prefixes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Directory:
    """Everything about one organisation that a call needs.

    Attributes:
        organisation_id: UUID as text; on every row and every event.
        persona: id of who answers numbers that name nobody; the first persona when empty.
        trunks: in the order they are tried.
        may_call_out: extensions that may dial numbers outside.
        operator: id of the person or department that callers get when they ask for a person.
        emergency: id of the target for emergencies; the operator when empty.
        version: changes when any part changes; stored with each decision.
    """

    organisation_id: str
    name: str
    personas: tuple[Persona, ...] = ()
    persona: str = ""
    people: tuple[Person, ...] = ()
    departments: tuple[Department, ...] = ()
    dids: tuple[Did, ...] = ()
    trunks: tuple[Trunk, ...] = ()
    may_call_out: tuple[str, ...] = ()
    hours: OpeningHours = field(default_factory=always_open)
    operator: str = ""
    emergency: str = ""
    version: str = ""

    def targets(self) -> Iterator[Target]:
        """Every department, then every person."""
        yield from self.departments
        yield from self.people

    @cached_property
    def _by_id(self) -> dict[str, Target]:
        return {target.id: target for target in self.targets()}

    def target(self, target_id: str | None) -> Target | None:
        """The person or department with this id; None when the directory has none."""
        return self._by_id.get(target_id or "")

    @cached_property
    def extensions(self) -> frozenset[str]:
        """Every extension that somebody can be reached at."""
        return frozenset(number for target in self.targets() for number in target.extensions)

    def by_extension(self, extension: str) -> Target | None:
        """Whom a number belongs to: a person first, then a department that has only this one."""
        for person in self.people:
            if person.extension == extension:
                return person
        for department in self.departments:
            if department.extensions == (extension,):
                return department
        return None

    def persona_of(self, did: Did | None) -> Persona:
        """Who answers a number; a plain persona when the organisation has none."""
        known = {persona.id: persona for persona in self.personas}
        for persona_id in (did.persona if did else "", self.persona):
            if persona_id in known:
                return known[persona_id]
        return next(iter(self.personas), Persona())

    @property
    def operator_target(self) -> Target | None:
        """The way out to a person; the first department, then anybody, when none is named."""
        return self.target(self.operator) or next(self.targets(), None)

    @property
    def emergency_target(self) -> Target | None:
        """Who takes an emergency."""
        return self.target(self.emergency) or self.operator_target

    def hours_of(self, target: Target) -> OpeningHours:
        """The hours that hold for a target."""
        own = target.hours if isinstance(target, Department) else None
        return own or self.hours
