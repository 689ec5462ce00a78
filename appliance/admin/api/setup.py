"""The set-up over the API: the same five verbs for every kind of thing."""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from appliance.admin.fields import Model
from appliance.admin.pagination import Page, cut
from appliance.admin.problems import FieldProblem, Problem, field_problems, invalid
from appliance.admin.roles import Permission
from appliance.admin.routing import Answer, Handler, Route, api, may
from appliance.admin.setup import changes
from appliance.admin.setup.bodies import VersionQuery, partial, versioned
from appliance.admin.setup.keys import ListQuery, after_of, cursor_of, key_of, params_of
from appliance.admin.setup.kinds import KINDS, Faulty, Kind, Part, Row, Work
from appliance.admin.setup.kinds.extensions import EXTENSIONS, NewExtensionOut
from appliance.admin.setup.kinds.organisation import ORGANISATION
from appliance.admin.setup.working import changing, reading
from appliance.admin.visit import Visit

_READ, _WRITE = may(Permission.SETUP_READ), may(Permission.SETUP_WRITE)
_PARTS: Mapping[str, Mapping[str, Any]] = {
    "persona": {"greeting": "Good day, billing."},
    "number": {"persona": None},
    "person": {"ring_timeout_s": 25},
    "extension": {"outbound": True},
    "department": {"topics": ["appointment", "invoice"]},
    "hours": {"exceptions": {"2026-12-25": []}},
    "trunk": {"outbound_prefixes": ["+49"]},
    "organisation": {"timezone": "Europe/Berlin"},
}


async def in_words(kept: Callable[[], Any]) -> Any:
    """Await a change; what is wrong with it becomes problem details.

    Raises:
        Problem: 409 or 422.
    """
    try:
        return await kept()
    except Faulty as error:
        raise invalid(
            tuple(
                FieldProblem(field=f"body.{item.field}".rstrip("."), message=item.message)
                for item in error.faults
            )
        ) from None
    except ValidationError as error:
        raise invalid(field_problems(error, "body")) from None
    except changes.Stale as error:
        by = f" by {error.by}" if error.by else ""
        raise Problem(
            409, "changed-meanwhile",
            f"This was changed meanwhile{by}; its version is {error.row.version} now. Read it "
            "again, and send what you want of it with that version.",
        ) from None  # fmt: skip
    except changes.InUse as error:
        raise Problem(409, "in-use", " ".join(error.reasons)) from None


def _listing(kind: Kind) -> Handler:
    async def handle(visit: Visit) -> Answer:
        query: ListQuery = visit.query
        after = after_of(kind, query.cursor)
        part = Part(after, query.limit + 1, query.q)
        rows = await reading(visit, lambda work: kind.page(work, part))
        kept, following = cut(rows, query.limit, lambda row: cursor_of(kind, row))
        # The page's model differs with the kind.
        return Page[Any](items=[kind.out_of(row) for row in kept], next_cursor=following)

    return handle


def _one(kind: Kind) -> Handler:
    async def handle(visit: Visit) -> Answer:
        key = key_of(visit, kind)
        return kind.out_of(await reading(visit, lambda work: changes.existing(work, kind, key)))

    return handle


def _adding(kind: Kind) -> Handler:
    async def handle(visit: Visit) -> Answer:
        wanted = visit.body
        row = await in_words(lambda: changing(visit, lambda work: changes.add(work, kind, wanted)))
        return kind.out_of(row)

    return handle


def _putting(kind: Kind) -> Handler:
    async def handle(visit: Visit) -> Answer:
        key, body = key_of(visit, kind), visit.body
        wanted = kind.body.model_validate(body.model_dump(by_alias=True, exclude={"version"}))

        def work(work: Work) -> Row:
            return changes.change(work, kind, key, wanted, body.version)

        return kind.out_of(await in_words(lambda: changing(visit, work)))

    return handle


def _patching(kind: Kind) -> Handler:
    async def handle(visit: Visit) -> Answer:
        key, parts = key_of(visit, kind), visit.body

        def work(work: Work) -> Row:
            changes.lock(work)
            wanted = changes.merged(work, kind, key, parts)
            return changes.change(work, kind, key, wanted, parts.version)

        return kind.out_of(await in_words(lambda: changing(visit, work)))

    return handle


def _removing(kind: Kind) -> Handler:
    async def handle(visit: Visit) -> Answer:
        key, version = key_of(visit, kind), visit.query.version
        await in_words(
            lambda: changing(visit, lambda work: changes.remove(work, kind, key, version))
        )
        return None

    return handle


def new_extension(work: Work, wanted: Model) -> tuple[Row, str]:
    """Add an extension with a password; the password is returned this once."""
    row = changes.add(work, EXTENSIONS, wanted)
    password = EXTENSIONS.new_password(work, row.key)
    return changes.existing(work, EXTENSIONS, row.key), password


def new_password(work: Work, number: str) -> tuple[Row, str]:
    """Exchange an extension's password; its phone has to be told the new one."""
    changes.lock(work)
    row = changes.existing(work, EXTENSIONS, number)
    password = EXTENSIONS.new_password(work, row.key)
    had = "set" if row.more["password_set"] else "none"
    changes.note(
        work, EXTENSIONS, row.key, changes.PASSWORD_MADE,
        {"number": row.key, "password": had}, {"number": row.key, "password": "changed"},
    )  # fmt: skip
    return changes.existing(work, EXTENSIONS, row.key), password


async def add_extension(visit: Visit) -> Answer:
    """With its password."""
    wanted = visit.body
    made = await in_words(lambda: changing(visit, lambda work: new_extension(work, wanted)))
    return _with_password(*made)


async def exchange_password(visit: Visit) -> Answer:
    """A fresh password for an extension."""
    number = visit.params.extension
    return _with_password(*await changing(visit, lambda work: new_password(work, number)))


def _with_password(row: Row, password: str) -> BaseModel:
    shown = EXTENSIONS.out_of(row).model_dump()
    return NewExtensionOut(**shown, password=password)


def _routes(kind: Kind) -> list[Route]:
    tag, plural, one = kind.plural.title(), f"/{kind.plural}", f"/{kind.plural}/{{{kind.param}}}"
    about: dict[str, Any] = {"tag": tag, "object_kind": kind.name}
    keyed: dict[str, Any] = {**about, "params": params_of(kind)}
    called = f"{kind.article} {kind.name}".strip()
    put = versioned(kind.body)
    if kind is ORGANISATION:
        plural = one = "/organisation"
    routes = [
        api(
            "GET", one, f"api_{kind.name}", _one(kind), _READ, response=kind.out,
            summary=f"Read {called}", **keyed,
        ),
        api(
            "PUT", one, f"api_put_{kind.name}", _putting(kind), _WRITE, body=put,
            response=kind.out, audit=f"{kind.name}.changed", acts=True,
            summary=f"Replace {called}", example=kind.example, **keyed,
        ),
        api(
            "PATCH", one, f"api_patch_{kind.name}", _patching(kind), _WRITE,
            body=partial(kind.body), response=kind.out, audit=f"{kind.name}.changed", acts=True,
            summary=f"Change some values of {called}", example=_PARTS[kind.name], **keyed,
        ),
    ]  # fmt: skip
    if kind is not ORGANISATION:
        routes.append(
            api(
                "GET", plural, f"api_{kind.plural}_list", _listing(kind), _READ, query=ListQuery,
                response=Page[kind.out], summary=f"List {kind.plural}", **about,  # type: ignore[name-defined]
            )
        )  # fmt: skip
    if not kind.single:
        routes.append(
            api(
                "DELETE", one, f"api_remove_{kind.name}", _removing(kind), _WRITE,
                query=VersionQuery, status=204, audit=f"{kind.name}.removed", acts=True,
                summary=f"Remove {called}; refused while something needs it", **keyed,
            )
        )  # fmt: skip
    if not kind.single and kind is not EXTENSIONS:
        routes.append(
            api(
                "POST", plural, f"api_add_{kind.name}", _adding(kind), _WRITE, body=kind.body,
                response=kind.out, status=201, audit=f"{kind.name}.added", acts=True,
                summary=f"Add {called}", example=kind.example, **about,
            )
        )  # fmt: skip
    return routes


ROUTES = (
    *(route for kind in KINDS.values() for route in _routes(kind)),
    api(
        "POST", "/extensions", "api_add_extension", add_extension, _WRITE, body=EXTENSIONS.body,
        response=NewExtensionOut, status=201, tag="Extensions", audit="extension.added",
        object_kind="extension", acts=True, secret=True, example=EXTENSIONS.example,
        summary="Add an extension; its password is shown this once",
    ),
    api(
        "POST", "/extensions/{extension}/password", "api_extension_password", exchange_password,
        _WRITE, params=params_of(EXTENSIONS), response=NewExtensionOut, tag="Extensions",
        audit="extension.password_made", object_kind="extension", acts=True, secret=True,
        summary="Make a new password for an extension; it is shown this once",
    ),
)  # fmt: skip
