"""A route that is declared wrongly, or not at all, keeps the application from starting."""

from collections import Counter
from typing import Any

import pytest
from pydantic import BaseModel

from appliance.admin.fields import Model
from appliance.admin.roles import ROLE_PERMISSIONS, Permission, Role, may_manage
from appliance.admin.route_table import all_routes
from appliance.admin.routing import (
    ANYONE,
    Answer,
    Kind,
    Route,
    RouteError,
    Rule,
    Who,
    api,
    check_table,
    may,
    page,
)
from appliance.admin.visit import Visit


class _Params(Model):
    thing_id: str


class _Out(BaseModel):
    name: str


async def _handler(_: Visit) -> Answer:
    return None


def _route(**changes: Any) -> Route:
    facts: dict[str, Any] = {
        "method": "GET", "path": "/x", "name": "x", "handler": _handler, "rule": ANYONE,
        "kind": Kind.PAGE, **changes,
    }  # fmt: skip
    return Route(**facts)


def test_the_table_of_routes_holds_together() -> None:
    names = Counter(route.name for route in all_routes())
    assert names.most_common(1)[0][1] == 1


def test_a_route_cannot_be_declared_without_a_rule() -> None:
    with pytest.raises(TypeError, match="rule"):
        Route(method="GET", path="/x", name="x", handler=_handler, kind=Kind.PAGE)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("route", "fault"),
    [
        (_route(rule=None), "no rule"),
        (_route(rule=Rule(Who.PERMITTED)), "do not fit together"),
        (_route(method="BREW"), "method"),
        (_route(path="/x/{thing_id}"), "params model"),
        (_route(params=_Params), "params model"),
        (_route(body=_Params), "neither takes a body nor acts"),
        (api("GET", "/x", "x", _handler, ANYONE, response=_Out), "summary"),
        (api("GET", "/x", "x", _handler, ANYONE, summary="X", tag="X"), "response model"),
        (
            api(
                "POST", "/x", "x", _handler, ANYONE, summary="X", tag="X", response=_Out,
                body=_Params,
            ),
            "example",
        ),
        (
            api("POST", "/x", "x", _handler, ANYONE, summary="X", tag="X", response=_Out),
            "audit action",
        ),
    ],
)  # fmt: skip
def test_a_declaration_that_does_not_hold_together_is_named(route: Route, fault: str) -> None:
    with pytest.raises(RouteError, match=fault):
        check_table([route])


def test_names_and_places_are_taken_once() -> None:
    first = page("GET", "/x", "x", _handler, ANYONE)
    with pytest.raises(RouteError, match="this name"):
        check_table([first, page("GET", "/y", "x", _handler, ANYONE)])
    with pytest.raises(RouteError, match="method and path"):
        check_table([first, page("GET", "/x", "y", _handler, ANYONE)])


def test_every_permission_is_somebodys() -> None:
    assert set().union(*ROLE_PERMISSIONS.values()) == set(Permission)
    assert set(ROLE_PERMISSIONS) == set(Role)


def test_an_auditor_changes_nothing() -> None:
    verbs = {permission.value.split(":")[1] for permission in ROLE_PERMISSIONS[Role.AUDITOR]}
    assert verbs == {"read", "export"}


def test_only_owners_make_owners() -> None:
    assert may_manage(Role.OWNER, Role.OWNER)
    assert may_manage(Role.ADMINISTRATOR, Role.ADMINISTRATOR)
    assert not may_manage(Role.ADMINISTRATOR, Role.OWNER)
    assert not may_manage(Role.SUPERVISOR, Role.RECEPTIONIST)


def test_rules_name_their_permission() -> None:
    assert may(Permission.CALLS_READ).permission is Permission.CALLS_READ
