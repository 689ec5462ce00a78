"""Templates: what each of them has, and how values are shown."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import aiohttp_jinja2
import jinja2
from aiohttp import web
from markupsafe import Markup, escape

from appliance.admin import cookies
from appliance.admin.navigation import navigation_for
from appliance.admin.problems import Problem
from appliance.admin.request_keys import CORRELATION_ID, VISIT
from appliance.admin.roles import Permission
from appliance.admin.services import SERVICES
from appliance.admin.static_files import STATIC

if TYPE_CHECKING:
    from appliance.admin.visit import Visit

# Most browsers name others too, so the order counts.
_BROWSERS = (
    ("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"),
    ("Safari/", "Safari"), ("curl/", "curl"),
)  # fmt: skip
_SYSTEMS = (
    ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"),
    ("Mac OS", "macOS"), ("Linux", "Linux"),
)  # fmt: skip


def set_up(app: web.Application) -> None:
    """Give the application its templates."""
    environment = aiohttp_jinja2.setup(
        app,
        loader=jinja2.PackageLoader("appliance.admin"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        moment=moment,
        clock=clock,
        day=day,
        duration=duration,
        audio_time=audio_time,
        words=words,
        ticks=ticks,
        browser=browser_name,
    )
    environment.globals.update(
        static=app[STATIC].address, Permission=Permission, may=_may, url=_url_of(app)
    )


def context_of(request: web.Request) -> dict[str, Any]:
    """What every template has beside its own values."""
    visit: Visit | None = request.get(VISIT)
    who = visit.principal if visit is not None else None
    services = request.config_dict[SERVICES]
    signed_in = who is not None and who.confirmed
    return {
        "who": who if signed_in else None,
        "csrf": visit.csrf if visit is not None else "",
        "navigation": navigation_for(who, request.path) if who and signed_in else (),
        "flashes": services.flashes.take(who.credential_id) if who and signed_in else (),
        "health": services.health.last if signed_in else None,
        "timezone": who.timezone if who else "UTC",
        "correlation_id": request.get(CORRELATION_ID, ""),
    }


def error_page(request: web.Request, problem: Problem) -> web.Response:
    """A page that says what went wrong and what mends it."""
    response = aiohttp_jinja2.render_template(
        "error.html", request, {**context_of(request), "problem": problem}, status=problem.status
    )
    cookies.greet_visitor(request, response, request.config_dict[SERVICES].config)
    return response


def _url_of(app: web.Application) -> Any:
    def url(name: str, query: Mapping[str, str] | None = None, **params: Any) -> str:
        texts = {key: str(value) for key, value in params.items()}
        address = app.router[name].url_for(**texts)
        return str(address.with_query(query) if query else address)

    return url


@jinja2.pass_context
def _may(context: jinja2.runtime.Context, permission: str) -> bool:
    """Whether who looks at the page may do this: ``may("setup:write")``."""
    who = context.get("who")
    return who is not None and who.may(Permission(permission))


@lru_cache(maxsize=64)
def zone_named(name: str) -> ZoneInfo:
    """A time zone; UTC for a name that is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def _local(context: jinja2.runtime.Context, value: datetime) -> datetime:
    return value.astimezone(zone_named(context.get("timezone", "UTC")))


def _time_tag(value: datetime, text: str) -> Markup:
    machine = value.astimezone(UTC).isoformat(timespec="milliseconds")
    return Markup('<time datetime="{}">{}</time>').format(machine, text)


@jinja2.pass_context
def moment(context: jinja2.runtime.Context, value: datetime | None) -> Markup:
    """Date and time in the organisation's zone, such as 3 May 2026, 14:05:09."""
    if value is None:
        return escape("—")
    local = _local(context, value)
    return _time_tag(value, f"{local.day} {local:%b %Y, %H:%M:%S}")


@jinja2.pass_context
def day(context: jinja2.runtime.Context, value: datetime | None) -> Markup:
    """The date in the organisation's zone."""
    if value is None:
        return escape("—")
    local = _local(context, value)
    return _time_tag(value, f"{local.day} {local:%b %Y}")


@jinja2.pass_context
def clock(context: jinja2.runtime.Context, value: datetime | None) -> Markup:
    """The time of day in the organisation's zone."""
    return escape("—") if value is None else _time_tag(value, f"{_local(context, value):%H:%M:%S}")


def duration(milliseconds: float | None) -> str:
    """A length of time: ``0.1 ms``, ``340 ms``, ``4.2 s``, ``3 min 05 s``, ``2 h 04 min``."""
    if milliseconds is None:
        return "—"
    if 0 < milliseconds < 10:
        return f"{milliseconds:.1f} ms"
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    seconds = milliseconds / 1000
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def audio_time(milliseconds: int) -> str:
    """A place in a call's audio: ``0:07.3``."""
    tenths = round(milliseconds / 100)
    return f"{tenths // 600}:{tenths // 10 % 60:02d}.{tenths % 10}"


def ticks(text: str) -> Markup:
    """Words between backticks as code; everything else as it stands."""
    pieces = (
        Markup("<code>{}</code>").format(piece) if place % 2 else escape(piece)
        for place, piece in enumerate(text.split("`"))
    )
    return Markup("").join(pieces)


def browser_name(agent: str) -> str:
    """What a browser calls itself, in short: ``Firefox on Linux``."""
    browser = next((name for mark, name in _BROWSERS if mark in agent), agent[:40] or "Unknown")
    system = next((name for mark, name in _SYSTEMS if mark in agent), "")
    return f"{browser} on {system}" if system else browser


def words(value: str | None) -> str:
    """A word of ours for people: ``caller_hung_up`` becomes ``Caller hung up``."""
    if not value:
        return "—"
    text = value.replace("_", " ")
    return text[:1].upper() + text[1:]
