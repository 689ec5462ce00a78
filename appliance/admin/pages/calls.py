"""The list of calls with its search and filters."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.admin.annotations import known_labels
from appliance.admin.api.calls import CallsQuery, listed
from appliance.admin.call_filters import CallFilter, Sort
from appliance.admin.rendering import words, zone_named
from appliance.admin.roles import Permission
from appliance.admin.routing import Answer, may, page
from appliance.admin.visit import Visit, see_other
from appliance.calls.decision import Priority
from appliance.calls.events import Outcome
from appliance.storage.models import Department, Person

Choice = tuple[str, str, list[tuple[str, str]]]
Span = tuple[str, str, bool]
_DETAILS = ("after", "before", "number", "person", "label", "outcome", "priority", "sort")
_MINUTE = "%Y-%m-%dT%H:%M"


async def home(visit: Visit) -> Answer:
    """The first page there is for this role."""
    places = (("live", Permission.LIVE_READ), ("calls", Permission.CALLS_READ))
    first = next((name for name, needed in places if visit.who.may(needed)), "account")
    return see_other(visit.url(first))


async def show_list(visit: Visit) -> Answer:
    """The list."""
    query: CallsQuery = visit.query
    zone = zone_named(visit.who.timezone)
    given = visit.request.query
    query = query.model_copy(
        update={
            "after": in_zone(query.after, given.get("after", ""), zone),
            "before": in_zone(query.before, given.get("before", ""), zone),
        }
    )
    wanted = CallFilter.of(query)
    lines, found = await listed(visit, wanted, query)
    following = found.following
    choices = await visit.database(lambda db: _choices(db, visit))
    filters = {
        name: value
        for name, value in given.items()
        if name in CallsQuery.model_fields and name not in ("cursor", "limit") and value
    }
    narrowed = sum(name in filters for name in _DETAILS)
    return visit.page(
        "calls.html", lines=lines, filters=filters, choices=choices, narrowed=narrowed,
        ranked=wanted.ranked, ranked_since=found.ranked_since,
        spans=_spans(visit, filters, visit.now.astimezone(zone)),
        following=str(visit.url("calls", {**filters, "cursor": following})) if following else "",
        newest=str(visit.url("calls", {**filters, "sort": Sort.NEWEST.value})),
        exported={**filters, **_bounds(wanted)},
    )  # fmt: skip


def _bounds(wanted: CallFilter) -> dict[str, str]:
    """Times as the API takes them; the page's own are the organisation's."""
    bounds = {"after": wanted.after, "before": wanted.before}
    return {name: value.isoformat() for name, value in bounds.items() if value is not None}


def _choices(db: Session, visit: Visit) -> list[Choice]:
    organisation = visit.who.organisation_id
    people: Sequence[tuple[str, str]] = [
        (str(key), name)
        for table in (Department, Person)
        for key, name in db.execute(
            select(table.id, table.name)
            .where(table.organisation_id == organisation)
            .order_by(table.name)
            .limit(500)
        )
    ]
    return [
        ("person", "Person or department", list(people)),
        ("label", "Label", [(name, words(name)) for name in known_labels(db, organisation)]),
        ("outcome", "Outcome", [(one.value, words(one.value)) for one in Outcome]),
        ("priority", "Priority", [(one.value, words(one.value)) for one in Priority]),
    ]


def _spans(visit: Visit, filters: dict[str, str], now: datetime) -> list[Span]:
    """Links to spans that are often wanted, and whether each is what is shown."""
    today = now.replace(hour=0, minute=0)
    others = {name: value for name, value in filters.items() if name not in ("after", "before")}
    shown = (filters.get("after", ""), filters.get("before", ""))
    spans = []
    for name, begins in (
        ("Any time", None), ("Today", today), ("7 days", today - timedelta(days=6)),
        ("30 days", today - timedelta(days=29)),
    ):  # fmt: skip
        after = begins.strftime(_MINUTE) if begins is not None else ""
        query = {**others, "after": after} if after else others
        spans.append((name, str(visit.url("calls", query or None)), shown == (after, "")))
    return spans


def in_zone(value: datetime | None, text: str, zone: ZoneInfo) -> datetime | None:
    """What a browser's field of date and time means: the organisation's time, without a zone."""
    if value is None:
        return None
    bare = datetime.fromisoformat(text.strip())
    return value if bare.tzinfo is not None else bare.replace(tzinfo=zone)


ROUTES = (
    page("GET", "/", "home", home, may(Permission.HEALTH_READ)),
    page("GET", "/calls", "calls", show_list, may(Permission.CALLS_READ), query=CallsQuery),
)
