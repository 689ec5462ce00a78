"""Values at the edge: fields, forms, cursors, addresses, and how values are shown."""

import contextlib
import ipaddress
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st
from multidict import MultiDict
from pydantic import Field, TypeAdapter, ValidationError

from appliance.admin.addresses import asked_host, client_address, is_nearby, same_origin
from appliance.admin.config import AdminConfig
from appliance.admin.fields import Email, Line, LongText, Model, RequiredLine, Secret, Time
from appliance.admin.forms import read_form
from appliance.admin.openapi import document
from appliance.admin.pages.api_docs import operations_by_tag
from appliance.admin.pagination import cut, encode_cursor, id_cursor, time_cursor
from appliance.admin.principal import permissions_of
from appliance.admin.problems import Problem
from appliance.admin.rendering import audio_time, browser_name, duration, ticks, words
from appliance.admin.roles import Permission, Role
from appliance.admin.route_table import all_routes
from appliance.admin.routing import Kind

_NOW = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)


class _Form(Model):
    name: RequiredLine
    password: Secret = ""
    tags: list[Line] = Field(default_factory=list, max_length=3)
    on: bool = False


def test_a_form_keeps_what_was_typed_beside_what_is_wrong() -> None:
    data = MultiDict(
        [("csrf", "x"), ("name", " "), ("tags", "a"), ("tags", "b"), ("password", "p")]
    )
    form = read_form(_Form, data)
    assert not form.ok
    assert set(form.errors) == {"name"}
    assert form.values == {"name": " ", "tags": ["a", "b"]}
    data["name"] = "Ann"
    form = read_form(_Form, data)
    assert form.ok
    assert (form.model.name, form.model.tags, form.model.on) == ("Ann", ["a", "b"], False)
    form.refuse("name", "It is taken.")
    assert not form.ok


@pytest.mark.parametrize("text", ["a\x00b", "a\nb", "a\u2028b", "\x1b[31m", "x" * 201, "\ud800"])
def test_a_line_is_one_line_that_can_be_stored(text: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Line).validate_python(text)


def test_long_text_may_have_line_breaks_and_any_script() -> None:
    text = "a\n<script>\u202e עברית"
    assert TypeAdapter(LongText).validate_python(text) == text


@pytest.mark.parametrize("text", ["", "a", "a@", "a b@c.d", "a@b@c", "a@b,c@d", "x" * 65 + "@b.c"])
def test_what_is_no_address_is_named_as_one(text: str) -> None:
    with pytest.raises(ValidationError, match=r"name@example\.org"):
        TypeAdapter(Email).validate_python(text)


def test_times_are_utc_and_iso() -> None:
    read = TypeAdapter(Time).validate_python
    assert read("2026-05-04T11:00:00+02:00") == _NOW
    assert read("2026-05-04T09:00") == _NOW
    for text in ("1234", "0.5", "yesterday", "0001-01-01T00:00:00+14:00"):
        with pytest.raises(ValidationError):
            read(text)


@given(st.datetimes(timezones=st.just(UTC)), st.text(st.characters(codec="utf-8")))
def test_a_cursor_comes_back_as_it_was(at: datetime, row: str) -> None:
    if "\x00" not in row:
        assert time_cursor(encode_cursor(at, row)) == (at, row)


@given(st.text(max_size=60))
def test_what_is_no_cursor_is_a_problem_and_never_an_error(text: str) -> None:
    with contextlib.suppress(Problem):
        time_cursor(text)


def test_a_cursor_of_another_list_is_a_problem() -> None:
    row = uuid4()
    assert id_cursor(encode_cursor(_NOW, row)) == (_NOW, row)
    with pytest.raises(Problem):
        id_cursor(encode_cursor(_NOW, "call"))


def test_a_page_is_cut_where_another_begins() -> None:
    assert cut([1, 2, 3], 3, str) == ([1, 2, 3], None)
    assert cut([1, 2, 3, 4], 3, str) == ([1, 2, 3], "3")


def _request(peer: str = "10.0.0.1", **headers: str) -> Any:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    request = make_mocked_request("GET", "/", headers=names)
    return request.clone(remote=peer)


_TRUSTING = AdminConfig(trusted_proxies=(ipaddress.ip_network("10.0.0.0/8"),))


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("1.1.1.1, 203.0.113.9", "203.0.113.9"),
        ("203.0.113.9, 10.0.0.7", "203.0.113.9"),
        ("nonsense", "nonsense"),
        ("", "10.0.0.1"),
    ],
)
def test_the_last_untrusted_hop_is_who_asks(forwarded: str, address: str) -> None:
    assert client_address(_request(X_Forwarded_For=forwarded), _TRUSTING) == address


def test_nobody_chooses_an_address_without_a_trusted_proxy() -> None:
    request = _request(peer="192.0.2.1", X_Forwarded_For="127.0.0.1")
    assert client_address(request, AdminConfig()) == "192.0.2.1"
    assert client_address(request, _TRUSTING) == "192.0.2.1"
    assert not is_nearby(_request(X_Forwarded_For="x"), "127.0.0.1", AdminConfig())
    assert is_nearby(_request(), "::ffff:127.0.0.1", AdminConfig())


@pytest.mark.parametrize(
    ("header", "host"),
    [("A.example:80", "a.example"), ("[::1]:80", "::1"), ("127.0.0.1", "127.0.0.1"), ("", "")],
)
def test_the_host_is_read_without_its_port(header: str, host: str) -> None:
    assert asked_host(_request(Host=header)) == host


def test_browsers_say_where_a_request_comes_from() -> None:
    assert same_origin(_request(Host="a:1", Origin="http://a:1"))
    assert not same_origin(_request(Host="a:1", Origin="http://a:2"))
    assert not same_origin(_request(Host="a:1", Origin="null"))
    assert not same_origin(_request(Host="a:1", Sec_Fetch_Site="same-site"))


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (None, "—"), (0, "0 ms"), (0.12, "0.1 ms"),
        (340.4, "340 ms"), (4200, "4.2 s"), (185_000, "3 min 05 s"),
        (7_440_000, "2 h 04 min"), (3_599_900, "1 h 00 min"),
    ],
)  # fmt: skip
def test_lengths_of_time_are_read_at_a_glance(milliseconds: float | None, text: str) -> None:
    assert duration(milliseconds) == text


def test_words_for_people() -> None:
    assert words("caller_hung_up") == "Caller hung up"
    assert words(None) == "—"
    assert audio_time(67_340) == "1:07.3"
    assert ticks("a <b> `c <d>`") == "a &lt;b&gt; <code>c &lt;d&gt;</code>"
    agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/120 Safari/537.36"
    assert browser_name(agent) == "Chrome on Linux"
    assert browser_name("<b>") == "<b>"
    assert browser_name("") == "Unknown"


def test_a_token_has_no_more_than_its_account() -> None:
    scopes = ["calls:read", "setup:write", "a scope of another version"]
    assert permissions_of(Role.RECEPTIONIST, scopes) == {Permission.CALLS_READ}


def test_the_document_has_every_route_and_no_reference_to_nothing() -> None:
    routes = [route for route in all_routes() if route.kind is Kind.API]
    made = document(routes)
    operations = [item for path in made["paths"].values() for item in path.values()]
    assert len(operations) == len(routes)
    assert {"$ref": "#/components/schemas/ProblemDetails"} in [
        operation["responses"]["422"]["content"]["application/problem+json"]["schema"]
        for operation in operations
    ]
    references = set(_references(made))
    assert references
    for reference in references:
        assert reference.removeprefix("#/components/schemas/") in made["components"]["schemas"]
    shown = operations_by_tag(made)
    assert sum(len(group) for group in shown.values()) == len(routes)


def _references(part: Any) -> list[str]:
    if isinstance(part, list):
        return [found for item in part for found in _references(item)]
    if isinstance(part, dict):
        own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
        return own + [found for item in part.values() for found in _references(item)]
    return []
