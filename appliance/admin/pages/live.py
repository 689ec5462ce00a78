"""Calls as they go on, and what one may do in them."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field

from appliance.admin.fields import CallId, Line, Model, RequiredLine
from appliance.admin.live.feeds import FEEDS
from appliance.admin.live.orders import Wanted, directory_of, found, my_extensions, order
from appliance.admin.live.watching import watch
from appliance.admin.problems import Problem
from appliance.admin.roles import Permission
from appliance.admin.routing import Answer, Kind, Route, may, page
from appliance.admin.visit import Visit
from appliance.calls.orders import Verb

_MOST = 2**63 - 1


class LiveQuery(Model):
    """How the page is to look."""

    view: Literal["cards", "rows"] = "cards"


class FeedQuery(Model):
    """Where the page stands."""

    after: Annotated[int, Field(ge=0, le=_MOST)] = 0


class CallParams(Model):
    """A call."""

    call_id: CallId


class SayForm(Model):
    """A line for the appliance to say."""

    text: RequiredLine


class TransferForm(Model):
    """Whom to ring."""

    to: RequiredLine


class NothingMore(Model):
    """A form of buttons."""

    view: Line = ""


async def show(visit: Visit) -> Answer:
    """Everything that goes on, as of now."""
    feed = await visit.request.config_dict[FEEDS].of(visit.who.organisation_id)
    directory = await directory_of(visit)
    mine = my_extensions(visit, directory)
    calls = feed.calls.shown(visit.now)
    calls.sort(key=lambda call: not call.rings_at(mine))
    return visit.page(
        "live.html", calls=calls, mine=mine, now=visit.now, position=feed.position,
        view=visit.query.view, targets=[t for t in directory.targets() if t.extensions],
        going_on=sum(call.ended_at is None for call in calls),
    )  # fmt: skip


async def feed(visit: Visit) -> Answer:
    """What happens from here on, over a WebSocket."""
    return await watch(visit, visit.query.after)


def _acting(wanted_of: Callable[[Visit], Wanted]) -> Callable[[Visit], Awaitable[Answer]]:
    async def act(visit: Visit) -> Answer:
        """Have it done; say so on the page, or as JSON to the page's script."""
        by_script = "application/json" in visit.request.headers.get("Accept", "")
        await found(visit, visit.params.call_id)
        try:
            if not visit.form.ok and visit.route.body is not NothingMore:
                words = "; ".join(visit.form.errors.values()) or "Fill this in."
                raise Problem(422, "invalid", words)
            answered = await order(visit, visit.params.call_id, wanted_of(visit), "to")
        except Problem as problem:
            if problem.status in (401, 403, 404) and problem.code != "not-permitted":
                raise
            words = problem.errors[0].message if problem.errors else problem.detail
            if by_script:
                return web.json_response({"done": False, "words": words}, status=problem.status)
            return visit.redirect("live", words, "error")
        if by_script:
            return web.json_response({"done": True, "words": answered.words})
        return visit.redirect("live", answered.words)

    return act


def _button(path: str, name: str, verb: Verb, permission: Permission, audit: str) -> Route:
    return _form(path, name, lambda _: Wanted(verb), permission, audit, NothingMore)


def _form(
    path: str, name: str, wanted_of: Callable[[Visit], Wanted], permission: Permission, audit: str,
    body: type[Model],
) -> Route:  # fmt: skip
    return page(
        "POST", f"/live/{{call_id}}/{path}", name, _acting(wanted_of), may(permission),
        params=CallParams, body=body, audit=audit, object_kind="call",
    )  # fmt: skip


_P = Permission
ROUTES = (
    page(
        "GET", "/live", "live", show, may(_P.LIVE_READ), query=LiveQuery, audit="live.looked_at",
        object_kind="live",
    ),
    Route(
        method="GET", path="/live/feed", name="live_feed", handler=feed, rule=may(_P.LIVE_READ),
        kind=Kind.PLAIN, query=FeedQuery,
    ),
    _button("hangup", "live_hang_up", Verb.HANG_UP, _P.LIVE_ACT, "call.hung_up"),
    _form(
        "transfer", "live_transfer", lambda visit: Wanted(Verb.TRANSFER, to=visit.body.to),
        _P.LIVE_ACT, "call.transferred", TransferForm,
    ),
    _form(
        "say", "live_say", lambda visit: Wanted(Verb.SAY, text=visit.body.text), _P.LIVE_ANSWER,
        "call.told", SayForm,
    ),
    _button("accept", "live_accept", Verb.ACCEPT, _P.LIVE_ANSWER, "call.answered"),
    _button("decline", "live_decline", Verb.DECLINE, _P.LIVE_ANSWER, "call.answered"),
    _button("voicemail", "live_voicemail", Verb.VOICEMAIL, _P.LIVE_ANSWER, "call.answered"),
)  # fmt: skip
