"""Acting in a call that goes on, over the API."""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, Field

from appliance.admin.api.calls import CallParams
from appliance.admin.fields import Line, Model, RequiredLine
from appliance.admin.live.orders import Wanted, order
from appliance.admin.live.placing import place
from appliance.admin.roles import Permission
from appliance.admin.routing import Answer, Handler, Route, api, may
from appliance.admin.visit import Visit
from appliance.calls.orders import Verb


class OrderOut(BaseModel):
    """What came of it."""

    words: str = Field(description="what was done, for people")


class TransferIn(Model):
    """Whom to ring for the caller."""

    to: RequiredLine = Field(
        description="a person or a department, by id or name, an extension of the directory, or a "
        "number outside: one that a trunk and your own extension may dial"
    )


class CallIn(Model):
    """A call to be made."""

    ring: RequiredLine = Field(
        description="who is rung first: a person, by id or name, an extension, or a number outside"
    )
    connect: Line = Field(
        default="", description="who is rung when that one has answered; also a department, all "
        "of whose phones ring, and one of the organisation's own numbers, where the appliance "
        "itself converses. Empty: the first of them"
    )  # fmt: skip


class PlacedOut(OrderOut):
    """A call that is being made."""

    call_id: str = Field(
        description="of the leg that is rung first; a call of this id is there once the appliance "
        "itself converses on it"
    )


class SayIn(Model):
    """What the appliance is to say."""

    text: RequiredLine


class AnswerIn(Model):
    """What becomes of a call that rings."""

    answer: Literal["accept", "decline", "voicemail"] = Field(
        description="accept: connected when picked up; voicemail: declined, and a message is taken"
    )


async def make_call(visit: Visit) -> Answer:
    """Ring somebody, and connect them."""
    call_id, answered = await place(visit, visit.body.ring.strip(), visit.body.connect.strip())
    return PlacedOut(call_id=call_id, words=answered.words)


async def hang_up(visit: Visit) -> Answer:
    """End the call."""
    return await _ordered(visit, Wanted(Verb.HANG_UP))


async def transfer(visit: Visit) -> Answer:
    """Ring somebody for the caller, as the appliance does it."""
    return await _ordered(visit, Wanted(Verb.TRANSFER, to=visit.body.to))


async def say(visit: Visit) -> Answer:
    """Have the appliance say a line to the caller."""
    return await _ordered(visit, Wanted(Verb.SAY, text=visit.body.text))


async def answer(visit: Visit) -> Answer:
    """As keys 1 and 2 at the desk that rings."""
    return await _ordered(visit, Wanted(Verb(visit.body.answer)))


async def _ordered(visit: Visit, wanted: Wanted) -> OrderOut:
    answered = await order(visit, visit.params.call_id, wanted, "body.to")
    return OrderOut(words=answered.words)


def _act(
    path: str, name: str, handler: Handler, permission: Permission, summary: str, audit: str,
    body: type[Model] | None = None, example: Mapping[str, str] | None = None,
) -> Route:  # fmt: skip
    return api(
        "POST", f"/calls/{{call_id}}/{path}", name, handler, may(permission), params=CallParams,
        body=body, example=example, response=OrderOut, tag="Live", summary=summary, audit=audit,
        object_kind="call", acts=True,
    )  # fmt: skip


ROUTES = (
    api(
        "POST", "/calls", "api_make_call", make_call, may(Permission.ORIGINATE), body=CallIn,
        response=PlacedOut, status=202, tag="Live", audit="call.placed", object_kind="call",
        acts=True, example={"ring": "211", "connect": "212"},
        summary="Ring somebody, and connect them with somebody else or with the appliance; numbers "
        "outside only as trunks and the extension of whoever is ours on the call allow",
    ),
    _act(
        "hangup", "api_hang_up", hang_up, Permission.LIVE_ACT, "End a call in progress",
        "call.hung_up",
    ),
    _act(
        "transfer", "api_transfer", transfer, Permission.LIVE_ACT,
        "Ring somebody for a caller, and connect them", "call.transferred", TransferIn,
        {"to": "Reception"},
    ),
    _act(
        "say", "api_say", say, Permission.LIVE_ACT, "Say a line to a caller", "call.told", SayIn,
        {"text": "Somebody will be with you in a minute."},
    ),
    _act(
        "answer", "api_answer", answer, Permission.LIVE_ANSWER,
        "Accept or decline a call that rings", "call.answered", AnswerIn, {"answer": "decline"},
    ),
)  # fmt: skip
