"""How a route is declared: everything about it in one place.

From the declaration come routing, access control, reading and checking of what a request brings,
the audit log, the OpenAPI document and the tests' matrix of routes and roles. What is registered
with aiohttp in any other way makes the start fail.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from aiohttp import web
from pydantic import BaseModel

from appliance.admin.fields import Model
from appliance.admin.roles import Permission
from appliance.admin.visit import Visit

Answer = web.StreamResponse | BaseModel | None
Handler = Callable[[Visit], Awaitable[Answer]]
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
SAFE = ("GET", "HEAD", "OPTIONS")


class RouteError(Exception):
    """The table of routes is wrong; the application does not start."""


class Who(StrEnum):
    """Whom a rule lets in."""

    ANYONE = "anyone"
    SIGNED_IN = "signed_in"
    PERMITTED = "permitted"
    NEARBY_OR_PERMITTED = "nearby_or_permitted"


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may use a route. ``NEARBY`` is whoever asks from the settings' ``metrics_from``."""

    who: Who
    permission: Permission | None = None


ANYONE = Rule(Who.ANYONE)
SIGNED_IN = Rule(Who.SIGNED_IN)


def may(permission: Permission) -> Rule:
    """Those whose role, or token, has the permission."""
    return Rule(Who.PERMITTED, permission)


def nearby_or(permission: Permission) -> Rule:
    """Those, and whoever asks from a network that the settings name."""
    return Rule(Who.NEARBY_OR_PERMITTED, permission)


class Kind(StrEnum):
    """How a route speaks: in pages (cookie, forms), in JSON (cookie or token), or plainly."""

    PAGE = "page"
    API = "api"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method of one path.

    Attributes:
        path: as aiohttp writes it, ``/calls/{call_id}``.
        name: unique; what templates pass to ``url()``.
        rule: who may use it. There is no default on purpose.
        params, query, body: what the request brings. For pages ``body`` is a form: the handler
            gets it also when it is wrong, and shows it again; elsewhere a wrong value is answered
            before the handler is asked.
        response: what the API answers; None for pages, streams and 204.
        audit: action that is added to the audit log when the answer is no error; the handler adds
            it itself where there is a before and an after.
        object_kind: what the audit entry is about; its id is the path's last parameter.
        acts: an ``Idempotency-Key`` is understood.
        secret: the answer holds something that is shown once, so it is not kept for the key.
        example: a body that is right, for the documents and the tests.
        media: of the answer, where it is no JSON.
    """

    method: str
    path: str
    name: str
    handler: Handler
    rule: Rule
    kind: Kind
    summary: str = ""
    tag: str = ""
    params: type[Model] | None = None
    query: type[Model] | None = None
    body: type[Model] | None = None
    response: type[BaseModel] | None = None
    status: int = 200
    audit: str = ""
    object_kind: str = ""
    acts: bool = False
    secret: bool = False
    example: Mapping[str, Any] | None = field(default=None, hash=False)
    media: str = ""

    @property
    def param_names(self) -> tuple[str, ...]:
        """The names in the path's braces, in order."""
        parts = self.path.split("{")[1:]
        return tuple(part.split("}")[0].split(":")[0] for part in parts)


def page(method: str, path: str, name: str, handler: Handler, rule: Rule, **more: Any) -> Route:
    """A route that answers with a page, or takes a form and redirects."""
    return Route(
        method=method, path=path, name=name, handler=handler, rule=rule, kind=Kind.PAGE, **more
    )


def api(method: str, path: str, name: str, handler: Handler, rule: Rule, **more: Any) -> Route:
    """A route under ``/api/v1``; ``path`` goes on from there."""
    return Route(
        method=method, path=f"/api/v1{path}", name=name, handler=handler, rule=rule, kind=Kind.API,
        **more,
    )  # fmt: skip


def check_table(routes: Iterable[Route]) -> tuple[Route, ...]:
    """See that the table holds together.

    Raises:
        RouteError: naming the route and what is wrong.
    """
    table = tuple(routes)
    names: set[str] = set()
    places: set[tuple[str, str]] = set()
    for route in table:
        fault = _fault_of(route)
        if route.name in names:
            fault = "another route has this name"
        if (route.method, route.path) in places:
            fault = "another route has this method and path"
        if fault:
            raise RouteError(f"route {route.name} ({route.method} {route.path}): {fault}")
        names.add(route.name)
        places.add((route.method, route.path))
    return table


def _fault_of(route: Route) -> str:
    if route.method not in _METHODS:
        return "this method is not one of ours"
    if not isinstance(route.rule, Rule):
        return "it has no rule of who may use it"
    wants_permission = route.rule.who in (Who.PERMITTED, Who.NEARBY_OR_PERMITTED)
    if wants_permission != (route.rule.permission is not None):
        return "its rule and its permission do not fit together"
    named = tuple(route.params.model_fields) if route.params else ()
    if set(named) != set(route.param_names):
        return "its params model does not name what its path does"
    if route.method in SAFE and (route.body is not None or route.acts):
        return "a GET neither takes a body nor acts"
    if route.kind is Kind.API:
        return _api_fault_of(route)
    return ""


def _api_fault_of(route: Route) -> str:
    if not route.summary or not route.tag:
        return "the API's routes need a summary and a tag"
    if route.response is None and not route.media and route.status != 204:
        return "name its response model, its media type, or status 204"
    if route.body is not None and route.example is None:
        return "a body needs an example"
    if route.method not in SAFE and not route.audit:
        return "what changes something needs an audit action"
    return ""
