"""What may be written, by forms and by the API alike, and how parts of it are changed."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, create_model
from pydantic.fields import FieldInfo

from appliance.admin.fields import Line, Model, Secret
from appliance.admin.setup.values import (
    Account,
    DaySpans,
    DialledNumber,
    Extension,
    Host,
    Language,
    Members,
    Name,
    Networks,
    Prefixes,
    RingSeconds,
    Spoken,
    TimeZone,
    TrunkName,
    Voice,
    Words,
)
from appliance.calls.transfer import TransferMode


class PersonBody(Model):
    """Somebody with a telephone."""

    name: Name = Field(description="as it is spoken to callers")
    extension: Extension = Field(description="rings the phone; made when there is none such")
    aliases: Words = Field(default_factory=list, description="what callers also say")
    transfer_mode: TransferMode = TransferMode.ATTENDED
    ring_timeout_s: RingSeconds = 20


class DepartmentBody(Model):
    """Telephones that ring together."""

    name: Name
    members: Members = Field(description="extensions, in order")
    aliases: Words = Field(default_factory=list)
    topics: Words = Field(default_factory=list, description="what callers ask about")
    transfer_mode: TransferMode = TransferMode.ATTENDED
    ring_timeout_s: RingSeconds = 20


class ExtensionBody(Model):
    """An internal number. Its password is made here and never written."""

    number: Extension
    outbound: bool = Field(default=False, description="may call out through trunks")


class PersonaBody(Model):
    """Who the appliance is on a call. An empty text leaves the appliance's own sentence."""

    name: Name = Field(description="for operators; callers never hear it")
    greeting: Spoken = Field(min_length=1, description="the first sentence of a call")
    house: Spoken = Field(default="", description="the organisation's name as it is spoken")
    voice: Voice = Field(
        default="", description="one of the model server's; its own when empty, or when it has none"
        " of this name"
    )  # fmt: skip
    language: Language = Field(
        default="en", description="what is listened for, as Whisper names it; rules and the "
        "appliance's own sentences are English whatever it is"
    )  # fmt: skip
    help: Spoken = Field(default="", description="asks for the caller's wish")
    closed_help: Spoken = Field(default="", description="follows the greeting after hours")
    introduction: Spoken = Field(default="", description="says that callers speak with a machine")
    anything_else: Spoken = Field(default="", description="asks for a further wish")
    goodbye: Spoken = Field(default="", description="ends a call in friendship")


class NumberBody(Model):
    """A number that is dialled from outside."""

    number: DialledNumber
    persona: UUID | None = Field(
        default=None, description="who answers it; the organisation's when null"
    )


class Week(Model):
    """Spans of each weekday; a day without any is closed."""

    monday: DaySpans = Field(default_factory=list)
    tuesday: DaySpans = Field(default_factory=list)
    wednesday: DaySpans = Field(default_factory=list)
    thursday: DaySpans = Field(default_factory=list)
    friday: DaySpans = Field(default_factory=list)
    saturday: DaySpans = Field(default_factory=list)
    sunday: DaySpans = Field(default_factory=list)


class HoursBody(Model):
    """Opening hours, of the organisation or of a department."""

    own: bool = Field(
        description="false: the organisation is always open, a department as the organisation"
    )
    week: Week = Field(default_factory=Week)
    exceptions: Annotated[dict[date, DaySpans], Field(max_length=200)] = Field(
        default_factory=dict, description="dates that differ from the week; closed without spans"
    )


class TrunkBody(Model):
    """A provider's line."""

    name: TrunkName
    proxy: Host = Field(description="the provider's host, or host:port")
    realm: Account = ""
    username: Account = ""
    password: Secret | None = Field(
        default=None, description="what the provider gave; left as it is when null or left out"
    )
    register_: bool = Field(default=False, alias="register", description="sign in to the provider")
    addresses: Networks = Field(default_factory=list, description="whence the provider calls")
    outbound_prefixes: Prefixes = Field(
        default_factory=list, description="what phones may dial over it"
    )
    emergency: bool = Field(default=True, description="carries emergency calls")
    position: int = Field(default=0, ge=0, le=1000, description="the order of trying")


class OrganisationBody(Model):
    """What holds for every call."""

    name: Name
    timezone: TimeZone = "UTC"
    persona: UUID | None = Field(
        default=None, description="who answers numbers that name nobody; the first when null"
    )
    operator: UUID | None = Field(
        default=None, description="the person or department for callers who ask for somebody"
    )
    emergency: UUID | None = Field(
        default=None, description="who takes emergencies; the operator when null"
    )


_VERSION = Field(
    default="", description="of what you read: refused with 409 when it was changed meanwhile"
)


def versioned(body: type[Model]) -> type[Model]:
    """The body of PUT: the same, and the version that it is meant to replace."""
    name = body.__name__.removesuffix("Body")
    made: type[Model] = create_model(
        f"{name}Put", __base__=body, __doc__=body.__doc__, version=(Line, _VERSION)
    )
    return made


def partial(body: type[Model]) -> type[Model]:
    """The body of PATCH: every value may be left out. ``model_fields_set`` tells what was sent."""
    name = body.__name__.removesuffix("Body")
    fields: dict[str, Any] = {
        key: (_annotated(info), Field(default_factory=lambda: None, alias=info.alias))
        for key, info in body.model_fields.items()
    }
    made: type[Model] = create_model(
        f"{name}Patch", __base__=Model, __doc__=body.__doc__, version=(Line, _VERSION), **fields
    )
    return made


def _annotated(info: FieldInfo) -> Any:
    """A field's type with its constraints, which pydantic keeps beside it."""
    return Annotated[(info.annotation, *info.metadata)] if info.metadata else info.annotation


class VersionQuery(Model):
    """The version that is meant to go."""

    version: Line = _VERSION
