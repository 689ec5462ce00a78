"""A program watches a call on the bench turn by turn, and acts in it: admin and controller."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from uuid import UUID, uuid4

import gevent
import pytest
from gevent import get_hub

from appliance.admin import accounts, api_tokens
from appliance.admin.principal import Principal
from appliance.admin.roles import Permission, Role
from appliance.lab.processes import ApplianceProcess
from appliance.lab.stack import free_port
from tests.integration.controller.conftest import LIMIT_S, House, until

pytestmark = pytest.mark.postgres
_NOBODY = "No controller took this at the moment; nothing was done. Try again."
_BEING_DONE = "It is being done; the call's timeline will tell what came of it."


class Program:
    """A program with a token, on threads of its own: the bench goes on meanwhile."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self._token = token
        self.events: list[dict[str, Any]] = []

    def acts(self, path: str, body: dict[str, str] | None = None) -> tuple[int, Any]:
        """POST; the status and the answer.

        Everything is sent twice with one key, and answered alike. What no controller takes in
        time, on a machine that busy, is tried again as the answer says.
        """
        while True:
            key = str(uuid4())
            status, answer = get_hub().threadpool.apply(self._post, (path, body, key))
            assert get_hub().threadpool.apply(self._post, (path, body, key)) == (status, answer)
            if answer.get("detail") != _NOBODY:
                return status, answer

    def orders(self, path: str, body: dict[str, str] | None = None) -> tuple[bool, str]:
        """Have something done in a call; whether it was, and its words, by the call's events."""
        before = len(self._told("order_answered"))
        status, answer = self.acts(path, body)
        until(lambda: len(self._told("order_answered")) > before, "what came of it is an event")
        told = self._told("order_answered")[before]
        by_api = (status, answer.get("words", answer.get("detail")))
        assert by_api in ((200 if told["done"] else 409, told["words"]), (200, _BEING_DONE))
        return told["done"], told["words"]

    def follow(self) -> gevent.Greenlet:
        """Follow the organisation's events from the beginning, into ``events``."""
        return gevent.spawn(get_hub().threadpool.apply, self._follow)

    def words(self) -> list[str]:
        """All that was said, as far as it is known."""
        return [turn["text"] for turn in self._told("turn_taken")]

    def _told(self, kind: str) -> list[dict[str, Any]]:
        return [event["data"] for event in self.events if event["kind"] == kind]

    def _post(self, path: str, body: dict[str, str] | None, key: str) -> tuple[int, Any]:
        data = json.dumps(body).encode() if body is not None else b""
        request = self._request(path, data, {"Idempotency-Key": key})
        try:
            with urlopen(request, timeout=LIMIT_S) as answer:
                return answer.status, json.load(answer)
        except HTTPError as error:
            return error.code, json.load(error)

    def _follow(self) -> None:
        request = self._request(
            "/api/v1/events/stream?after=0", None, {"Accept": "text/event-stream"}
        )
        with urlopen(request, timeout=LIMIT_S) as answer:
            for line in answer:
                if line.startswith(b"data: "):
                    self.events.append(json.loads(line[6:]))
                    if self.events[-1]["kind"] == "call_ended":
                        return

    def _request(self, path: str, data: bytes | None, headers: dict[str, str]) -> Request:
        own = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        return Request(self.url + path, data, {**own, **headers})


@pytest.fixture
def program(house: House, postgres_url: str, tmp_path: Path) -> Iterator[Program]:
    port = free_port()
    environment = {
        "APPLIANCE_SETTINGS": os.devnull,
        "DATABASE_URL": postgres_url,
        "APPLIANCE_ADMIN__PORT": str(port),
        "APPLIANCE_STORAGE__DIRECTORY": str(tmp_path / "state"),
    }
    process = ApplianceProcess("admin", ["admin"], environment, tmp_path / "logs")
    process.start()
    try:
        get_hub().threadpool.apply(process.wait_ready)
        yield Program(f"http://127.0.0.1:{port}", _token(house))
    finally:
        get_hub().threadpool.apply(process.stop)


def _token(house: House) -> str:
    organisation, now = UUID(house.organisation), datetime.now(UTC)
    with house.database.session(organisation) as session:
        account = accounts.add(
            session, organisation, email=f"{uuid4().hex}@example.org", name="Ann",
            role=Role.SUPERVISOR, password_hash="",
        )  # fmt: skip
        owner = Principal(
            organisation_id=organisation, organisation="", timezone="UTC", via="session",
            credential_id=uuid4(), account_id=account.id, name="Ann", email="",
            role=Role.SUPERVISOR,
        )  # fmt: skip
        scopes = [
            Permission.LIVE_ACT, Permission.LIVE_ANSWER, Permission.EVENTS_READ,
            Permission.ORIGINATE,
        ]  # fmt: skip
        _, credential = api_tokens.add(
            session, owner, name="wallboard", scopes=scopes, now=now,
            expires_at=now + timedelta(hours=1),
        )  # fmt: skip
    return credential.as_token()


def test_a_program_follows_a_call_and_acts_in_it(house: House, program: Program) -> None:
    desk = house.desk("212")
    following = program.follow()
    call_id, _phone = house.call()
    path = f"/api/v1/calls/{call_id}"
    until(lambda: bool(program.words()), "the greeting is a turn")
    said = (True, 'Said: "One moment, please."')
    assert program.orders(f"{path}/say", {"text": "One moment, please."}) == said
    until(lambda: "One moment, please." in program.words(), "the line is a turn")
    assert program.orders(f"{path}/transfer", {"to": "anna jones"})[0]
    assert desk.rings.wait(LIMIT_S)
    assert program.orders(f"{path}/answer", {"answer": "accept"})[0]
    desk.answer()
    until(lambda: house.bridged(call_id), "the two are connected")
    assert not program.orders(f"{path}/answer", {"answer": "decline"})[0]
    assert program.orders(f"{path}/hangup") == (True, "Hung up.")
    following.get(timeout=LIMIT_S)
    assert [event["seq"] for event in program.events] == list(range(1, len(program.events) + 1))
    assert program.words().count("One moment, please.") == 1
    assert program.acts(f"{path}/hangup")[0] == 409


def test_a_program_has_two_people_called_once(house: House, program: Program) -> None:
    anna, desk = house.desk("212"), house.desk("200")
    status, answer = program.acts("/api/v1/calls", {"ring": "anna jones", "connect": "200"})
    assert status == 202, answer
    assert anna.rings.wait(LIMIT_S)
    anna.answer()
    assert desk.rings.wait(LIMIT_S)
    desk.answer()
    until(lambda: house.bridged(answer["call_id"]), "the two are connected")
    assert len(house.bench.core.channels) == 2
    anna.hang_up()


def test_a_program_has_a_department_called(house: House, program: Program) -> None:
    anna, first, second = house.desk("212"), house.desk("200"), house.desk("201")
    status, answer = program.acts("/api/v1/calls", {"ring": "212", "connect": "reception"})
    assert status == 202, answer
    assert anna.rings.wait(LIMIT_S)
    anna.answer()
    assert first.rings.wait(LIMIT_S)
    assert second.rings.wait(LIMIT_S)
    second.answer()
    until(lambda: house.bridged(answer["call_id"]), "the two are connected")
    anna.hang_up()


def test_a_program_has_somebody_talk_with_the_appliance(house: House, program: Program) -> None:
    anna = house.desk("212")
    status, answer = program.acts("/api/v1/calls", {"ring": "212"})
    assert status == 202, answer
    assert anna.rings.wait(LIMIT_S)
    anna.answer()
    until(lambda: bool(house.voice.said), "the appliance greets")
    assert house.voice.said[0][1].startswith("Good day.")
    anna.hang_up()
    assert house.record(answer["call_id"]).call.caller_number == "212"


def test_what_may_not_be_dialled_is_not(house: House, program: Program) -> None:
    house.desk("212")
    status, problem = program.acts("/api/v1/calls", {"ring": "212", "connect": "+4930999888"})
    assert (status, problem["detail"]) == (403, "Extension 212 may not call out.")
    status, problem = program.acts("/api/v1/calls", {"ring": "201", "connect": "212"})
    assert (status, problem["type"]) == (409, "urn:appliance:problem:refused")
    assert "201 cannot be reached" in problem["detail"]
    call_id, _phone = house.call()
    path = f"/api/v1/calls/{call_id}/transfer"
    until(lambda: program.acts(path, {"to": "+4930999888"})[0] == 403, "the call is on record")
    assert "accountable" in program.acts(path, {"to": "+4930999888"})[1]["detail"]
