"""Events of all calls over the API: as a list to go on with, and as a stream."""

from uuid import UUID

from pydantic import BaseModel, Field

from appliance.admin.api.calls import EventOut
from appliance.admin.fields import Limit, Line, Model
from appliance.admin.live.reading import newest_position, position_of, read_after
from appliance.admin.live.streaming import MEDIA, stream
from appliance.admin.problems import wrong_value
from appliance.admin.roles import Permission
from appliance.admin.routing import Answer, api, may
from appliance.admin.visit import Visit

_MOST = 2**63 - 1
_LAST = "Last-Event-ID"


class FeedEventOut(EventOut):
    """An event with its place in the organisation's feed."""

    position: int = Field(description="grows from event to event, with gaps")


class FeedPage(BaseModel):
    """Events of all calls in order; go on with ``after=next_after``."""

    items: list[FeedEventOut]
    next_after: int


class FeedQuery(Model):
    """Where to begin."""

    after: int = Field(default=0, ge=0, le=_MOST, description="a position; events after it")
    limit: Limit = 100


class StreamQuery(Model):
    """Where to begin; a ``Last-Event-ID`` header goes before it."""

    after: Line = Field(
        default="",
        description="a position or an event's id; events after it. From now on when left out",
    )


async def list_(visit: Visit) -> Answer:
    """Events after a position."""
    query: FeedQuery = visit.query
    rows = await visit.database(
        lambda db: read_after(db, visit.who.organisation_id, query.after, query.limit)
    )
    items = [FeedEventOut.model_validate(row) for row in rows]
    return FeedPage(items=items, next_after=items[-1].position if items else query.after)


async def follow(visit: Visit) -> Answer:
    """Events as they are stored. Who does not ask for an event stream gets what there is."""
    after = await _begins_after(visit)
    # Noted now: who follows may do so all day.
    await visit.database(lambda db: visit.trace.write(db, visit.now))
    lasting = MEDIA in visit.request.headers.get("Accept", "")
    return await stream(visit, after, lasting, FeedEventOut.model_validate)


async def _begins_after(visit: Visit) -> int:
    text = visit.request.headers.get(_LAST, "") or visit.query.after
    name = f"header.{_LAST}" if visit.request.headers.get(_LAST) else "query.after"
    if not text:
        return await visit.database(lambda db: newest_position(db, visit.who.organisation_id))
    if text.isascii() and text.isdecimal() and len(text) < 19:
        return int(text)
    try:
        event_id = UUID(text)
    except ValueError:
        raise wrong_value(name, "Use the id of an event as it came, or leave it out.") from None
    found = await visit.database(lambda db: position_of(db, visit.who.organisation_id, event_id))
    if found is None:
        raise wrong_value(name, "There is no such event; begin with after=0 for all there are.")
    return found


ROUTES = (
    api(
        "GET", "/events", "api_events", list_, may(Permission.EVENTS_READ), query=FeedQuery,
        response=FeedPage, tag="Events", audit="events.read", object_kind="events",
        summary="What happened in all calls, in order",
    ),
    api(
        "GET", "/events/stream", "api_event_stream", follow, may(Permission.EVENTS_READ),
        query=StreamQuery, media=MEDIA, tag="Events", audit="events.read", object_kind="events",
        summary="What happens in all calls, as server-sent events (Accept: text/event-stream)",
    ),
)  # fmt: skip
