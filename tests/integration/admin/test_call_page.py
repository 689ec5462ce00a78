"""A call's page and its parts: recording, waveform, notes, labels, exports."""

import csv
import io
import json
import os
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from appliance.admin.config import AdminConfig
from appliance.admin.roles import Role
from appliance.media import wav
from appliance.storage.admin_models import Account, AuditEntry
from appliance.storage.call_models import Order
from appliance.storage.database import Database
from tests.integration.admin.admin_site import Browser, Reply, Site, Tenant, TestClock
from tests.integration.admin.made_calls import BEGAN, Made, store
from tests.integration.admin.setup_rows import SetUp
from tests.integration.admin.test_hostile_text import HOSTILE

pytestmark = pytest.mark.postgres
OnSite = Callable[..., None]
_FRAME = (1000).to_bytes(2, "little", signed=True) + (-8000).to_bytes(2, "little", signed=True)
_WAV = wav.header(8000, 2, 4 * 8000) + _FRAME * 8000


def _actions(database: Database, tenant: Tenant) -> list[str]:
    with database.session(tenant.organisation_id) as session:
        return list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))


@pytest.fixture
def recorded(database: Database, tenant: Tenant, config: AdminConfig) -> str:
    """A call with a recording of one second; its id."""
    folder = config.recordings / "2026-05-04"
    folder.mkdir(parents=True)
    (folder / "c.wav").write_bytes(_WAV)
    made = Made(recordings=["/elsewhere/2026-05-04/c.wav"], delays_ms={"decide": 4, "reply": 500})
    return store(database, tenant.organisation_id, made)[0]


async def _ask(browser: Browser, method: str, path: str, body: Any = None) -> Reply:
    return await browser.send(method, path, json=body, headers={"X-CSRF-Token": browser.csrf})


def test_a_recording_is_played_in_pieces_and_noted_once(
    on_site: OnSite, tenant: Tenant, database: Database, recorded: str, clock: TestClock
) -> None:
    path = f"/api/v1/calls/{recorded}/recording"

    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.SUPERVISOR]) as browser:
            page = (await browser.get(f"/calls/{recorded}")).text
            assert f'src="{path}"' in page
            assert 'data-duration-ms="1000"' in page
            async with browser.http.get(site.url + path) as whole:
                assert (whole.status, await whole.read()) == (200, _WAV)
                assert whole.headers["Content-Type"] == "audio/wav"
                assert whole.headers["Cache-Control"] == "no-store"
            headers = {"Range": "bytes=100-199"}
            async with browser.http.get(site.url + path, headers=headers) as part:
                assert (part.status, await part.read()) == (206, _WAV[100:200])
            wave = (await browser.get(f"/api/v1/calls/{recorded}/waveform")).json()
            assert wave["duration_ms"] == 1000
            assert set(wave["caller"]) == {0.031}
            assert set(wave["appliance"]) == {0.244}
        async with site.signed_in(tenant.emails[Role.RECEPTIONIST]) as browser:
            assert path not in (await browser.get(f"/calls/{recorded}")).text
            assert (await browser.get(path)).status == 403

    on_site(check)
    assert _actions(database, tenant).count("recording.listened_to") == 1


def test_every_part_of_a_call_is_listed_marked_and_played(
    on_site: OnSite, tenant: Tenant, other_tenant: Tenant, database: Database, config: AdminConfig
) -> None:
    """The first controller's recording is gone, so the call's first is that of the second."""
    folder = config.recordings / "2026-05-04"
    folder.mkdir(parents=True)
    sounds = {2: wav.header(8000, 2, 4 * 8000) + _FRAME * 8000,
              3: wav.header(8000, 2, 4 * 16000) + _FRAME * 16000}  # fmt: skip
    for part, sound in sounds.items():
        (folder / f"c-{part}.wav").write_bytes(sound)
    named = ["2026-05-04/c.wav", "/elsewhere/2026-05-04/c-2.wav", "2026-05-04/c-3.wav"]
    call_id = store(database, tenant.organisation_id, Made(recordings=named), split=True)[0]
    path = f"/api/v1/calls/{call_id}"

    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.SUPERVISOR]) as browser:
            items = (await browser.get(f"{path}/recordings")).json()["items"]
            assert [(item["part"], item["duration_ms"]) for item in items] == [(2, 1000), (3, 2000)]
            for query, status, sound in (("?part=3", 200, sounds[3]), ("", 200, sounds[2])):
                async with browser.http.get(f"{site.url}{path}/recording{query}") as whole:
                    assert (whole.status, await whole.read()) == (status, sound)
            headers = {"Range": "bytes=100-199"}
            address = f"{site.url}{path}/recording?part=3"
            async with browser.http.get(address, headers=headers) as piece:
                assert (piece.status, await piece.read()) == (206, sounds[3][100:200])
            assert (await browser.get(f"{path}/waveform?part=3")).json()["duration_ms"] == 2000
            for part, status in (("1", 404), ("4", 404), ("0", 422), ("x", 422)):
                for name in ("recording", "waveform"):
                    assert (await browser.get(f"{path}/{name}?part={part}")).status == status
            turns = (await browser.get(f"{path}/turns")).json()["items"]
            assert [(turn["part"], turn["started_ms"]) for turn in turns] == [
                (part, begins) for part in (1, 2, 3) for begins in (0, 500)
            ]
            page = (await browser.get(f"/calls/{call_id}")).text
            players = page.index(f'src="{path}/recording?part=2"'), page.index("?part=3")
            assert players == tuple(sorted(players))
            assert page.count("<audio") == 2
            assert [page.count(f'<li class="part muted small">Part {n}<') for n in (1, 2, 3)] == [
                0, 1, 1
            ]  # fmt: skip
            assert [page.count(f'data-part="{part}" data-from=') for part in (1, 2, 3)] == [0, 2, 2]
            async with browser.http.get(site.url + "/api/v1/exports/recordings.zip") as answer:
                archive = zipfile.ZipFile(io.BytesIO(await answer.read()))
            assert archive.namelist() == ["2026-05-04/c-2.wav", "2026-05-04/c-3.wav"]
            turns = (await browser.get(f"{path}/export.csv")).text
            assert [row["part"] for row in csv.DictReader(io.StringIO(turns))] == list("112233")
        async with site.signed_in(tenant.emails[Role.RECEPTIONIST]) as browser:
            assert "<audio" not in (await browser.get(f"/calls/{call_id}")).text
            for name in ("recordings", "recording?part=3", "waveform?part=3"):
                assert (await browser.get(f"{path}/{name}")).status == 403
        async with site.signed_in(other_tenant.emails[Role.OWNER]) as browser:
            for name in ("recordings", "recording?part=3", "waveform?part=3"):
                assert (await browser.get(f"{path}/{name}")).status == 404

    on_site(check)
    assert _actions(database, tenant).count("recording.listened_to") == 1


@pytest.mark.parametrize(
    "named",
    ["/etc/passwd", "../../secret.wav", "2026-05-04/../../secret.wav", "2026-05-04/link.wav",
     "x" * 5000, "", "2026-05-04/none.wav", "2026-05-04"],
    ids=range(8),
)  # fmt: skip
def test_no_file_outside_the_folder_is_served(
    on_site: OnSite, tenant: Tenant, database: Database, config: AdminConfig, named: str
) -> None:
    folder = config.recordings / "2026-05-04"
    folder.mkdir(parents=True)
    secret = config.recordings.parent / "secret.wav"
    secret.write_bytes(_WAV)
    os.symlink(secret, folder / "link.wav")
    call_id = store(database, tenant.organisation_id, Made(recordings=[named]))[0]

    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.OWNER]) as browser:
            for part in ("recording", "waveform"):
                assert (await browser.get(f"/api/v1/calls/{call_id}/{part}")).status == 404
            assert (await browser.get(f"/calls/{call_id}")).status == 200

    on_site(check)


@pytest.mark.parametrize("content", [b"", b"RIFF", b"x" * 100, _WAV[:44], _WAV[:47]])
def test_a_broken_recording_does_not_break_the_page(
    on_site: OnSite, tenant: Tenant, recorded: str, config: AdminConfig, content: bytes
) -> None:
    (config.recordings / "2026-05-04" / "c.wav").write_bytes(content)

    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.OWNER]) as browser:
            assert (await browser.get(f"/calls/{recorded}")).status == 200
            assert (await browser.get(f"/api/v1/calls/{recorded}/waveform")).status in (200, 404)

    on_site(check)


def test_notes_and_labels_come_and_go_and_leave_a_history(
    on_site: OnSite, tenant: Tenant, database: Database
) -> None:
    call_id = store(database, tenant.organisation_id, Made(labels=("vip",)))[0]
    path = f"/calls/{call_id}"

    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.RECEPTIONIST]) as browser:
            assert (await browser.form(f"{path}/notes", text="call <b>back</b>")).status == 303
            assert (await browser.form(f"{path}/labels", label="a & b")).status == 303
            assert (await browser.form(f"{path}/labels", label="a & b")).status == 303
            page = (await browser.get(path)).text
            assert "call &lt;b&gt;back&lt;/b&gt;" in page
            body = (await browser.get(f"/api/v1{path}")).json()
            assert body["labels"] == ["a & b", "vip"]
            note = body["notes"][0]
            assert (note["author"], note["text"]) == ("Receptionist", "call <b>back</b>")
            found = await browser.get("/api/v1/calls", params={"label": "a & b"})
            assert [item["call_id"] for item in found.json()["items"]] == [call_id]
            assert (await browser.form(f"{path}/labels/remove", label="vip")).status == 303
            assert (await browser.form(f"{path}/notes/{note['id']}/remove")).status == 303
            body = (await browser.get(f"/api/v1{path}")).json()
            assert (body["labels"], body["notes"]) == (["a & b"], [])
            page = (await browser.get(path)).text
            for words in ("added the note", "removed the note", "added the label", "removed the"):
                assert words in page
        async with site.signed_in(tenant.emails[Role.AUDITOR]) as browser:
            assert (await browser.form(f"{path}/notes", text="x")).status == 403

    on_site(check)
    changes = [
        action for action in _actions(database, tenant) if "note" in action or "lab" in action
    ]
    assert changes == [
        "call.note_added", "call.label_added", "call.label_removed", "call.note_removed"
    ]  # fmt: skip


def test_notes_and_labels_over_the_api(on_site: OnSite, tenant: Tenant, database: Database) -> None:
    call_id = store(database, tenant.organisation_id, Made())[0]
    path = f"/api/v1/calls/{call_id}"

    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.SUPERVISOR]) as browser:
            made = await _ask(browser, "POST", f"{path}/notes", {"text": "two\nlines"})
            assert made.status == 201
            assert (await browser.get(f"{path}/notes")).json()["items"] == [made.json()]
            for label in ("50/50", "ünïcödé 😀", "a?b#c%d"):
                reply = await _ask(browser, "POST", f"{path}/labels", {"label": label})
                assert label in reply.json()["items"]
            assert len((await browser.get(f"{path}/labels")).json()["items"]) == 3
            assert (await _ask(browser, "DELETE", f"{path}/labels/50%2F50")).status == 204
            assert (await _ask(browser, "DELETE", f"{path}/labels/50%2F50")).status == 404
            note = f"{path}/notes/{made.json()['id']}"
            assert (await _ask(browser, "DELETE", note)).status == 204
            assert (await _ask(browser, "DELETE", note)).status == 404
            for body in ({"text": ""}, {"text": "x" * 10_001}, {}, {"text": "\x00"}):
                assert (await _ask(browser, "POST", f"{path}/notes", body)).status == 422
            for body in ({"label": ""}, {"label": "x" * 61}, {"label": "a\nb"}):
                assert (await _ask(browser, "POST", f"{path}/labels", body)).status == 422
            for n in range(40):
                reply = await _ask(browser, "POST", f"{path}/labels", {"label": f"label {n}"})
            assert reply.status == 409
            assert (await browser.get(f"{path}/turns")).json()["items"][0]["text"] == "sales please"
            assert len((await browser.get(f"{path}/decisions")).json()["items"]) == 1

    on_site(check)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_notes_and_labels_are_only_text(
    on_site: OnSite, tenant: Tenant, database: Database, text: str
) -> None:
    call_id = store(database, tenant.organisation_id, Made())[0]

    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.OWNER]) as browser:
            assert (await browser.form(f"/calls/{call_id}/notes", text=text)).status == 303
            assert (await browser.form(f"/calls/{call_id}/labels", label=text)).status == 303
            for path in (f"/calls/{call_id}", "/calls", f"/calls?words={'x'}", "/audit"):
                page = (await browser.get(path)).text
                for tag in ("<script>", "<img src=x", "<h1>taken"):
                    assert tag not in page
            for name in ("words", "label", "person", "number", "priority"):
                for path in ("/calls", "/api/v1/calls", "/api/v1/exports/calls.csv"):
                    reply = await browser.get(path, params={name: text[:2000]})
                    assert reply.status in (200, 422), (path, name)
                    assert "<script>" not in reply.text or path.startswith("/api")

    on_site(check)


def test_a_list_is_exported_as_csv_json_and_audio(
    on_site: OnSite, tenant: Tenant, database: Database, recorded: str
) -> None:
    evil = '=HYPERLINK("http://x","y")'
    store(
        database, tenant.organisation_id,
        *(Made(name=evil, at=BEGAN + timedelta(minutes=n), labels=("@x",)) for n in range(450)),
    )  # fmt: skip

    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.AUDITOR]) as browser:
            reply = await browser.get("/api/v1/exports/calls.csv")
            rows = list(csv.DictReader(io.StringIO(reply.text)))
            assert len(rows) == 451
            assert {row["call_id"] for row in rows if row["caller_name"] == "Bob"} == {recorded}
            assert rows[0]["caller_name"] == f"'{evil}"
            assert rows[0]["caller_number"] == "'+4930111"
            assert rows[0]["labels"] == "'@x"
            assert rows[0]["talked_ms"] == "60000"
            assert "attachment" in reply.headers["Content-Disposition"]
            found = (await browser.get("/api/v1/exports/calls.json?label=@x")).json()
            assert len(found["items"]) == 450
            none = await browser.get("/api/v1/exports/calls.json?label=none")
            assert none.json() == {"items": []}
            async with browser.http.get(site.url + "/api/v1/exports/recordings.zip") as answer:
                archive = zipfile.ZipFile(io.BytesIO(await answer.read()))
            assert archive.namelist() == ["2026-05-04/c.wav"]
            assert archive.read("2026-05-04/c.wav") == _WAV
            turns = await browser.get(f"/api/v1/calls/{recorded}/export.csv")
            assert [row["text"] for row in csv.DictReader(io.StringIO(turns.text))] == [
                "sales please", "One moment."
            ]  # fmt: skip
            whole = json.loads((await browser.get(f"/api/v1/calls/{recorded}/export.json")).text)
            assert whole["call"]["call_id"] == recorded
        async with site.signed_in(tenant.emails[Role.RECEPTIONIST]) as browser:
            assert (await browser.get("/api/v1/exports/calls.csv")).status == 403
            assert "exports/calls.csv" not in (await browser.get("/calls")).text

    on_site(check)
    assert _actions(database, tenant).count("calls.exported") == 4
    assert _actions(database, tenant).count("call.exported") == 2


def test_the_longest_call_has_a_light_page(
    on_site: OnSite, tenant: Tenant, database: Database, tmp_path: Path
) -> None:
    said = tuple(f"sentence number {n}" for n in range(400))
    call_id = store(database, tenant.organisation_id, Made(said=said))[0]

    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.OWNER]) as browser:
            page = (await browser.get(f"/calls/{call_id}")).text
            assert "All turns as JSON" in page

    on_site(check)


def test_a_caller_is_called_back_from_ones_own_telephone(
    on_site: OnSite, tenant: Tenant, database: Database, clock: TestClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("appliance.admin.live.orders._PATIENCE_S", 0.3)
    call_id = store(database, tenant.organisation_id, Made(number="+4930999888"))[0]
    house = SetUp(database, tenant, clock)

    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.SUPERVISOR]) as browser:
            assert "Call back" in (await browser.get(f"/calls/{call_id}")).text

            async def told() -> str:
                reply = await browser.form(f"/calls/{call_id}/call-back")
                assert reply.status == 303
                return (await browser.get(f"/calls/{call_id}")).text

            assert "belongs to no person with an extension" in await told()
            house.add("extension", number="211", outbound=True)
            anna = house.add("person", name="Anna Jones", extension="211")
            with database.session(tenant.organisation_id) as session:
                key = (tenant.organisation_id, tenant.account_ids[Role.SUPERVISOR])
                session.get_one(Account, key).person_id = UUID(anna.key)
            assert "No trunk may dial +4930999888" in await told()
            house.add("trunk", name="provider", proxy="sip.example", outbound_prefixes=["+49"])
            assert "No controller took this" in await told()
        async with site.signed_in(tenant.emails[Role.RECEPTIONIST]) as browser:
            assert "Call back" not in (await browser.get(f"/calls/{call_id}")).text

    on_site(check)
    with database.session(tenant.organisation_id) as session:
        (order,) = session.scalars(select(Order))
        assert (order.verb, order.state) == ("call", "refused")
        wanted = {"text": "", "ring": "211", "to": "+4930999888", "extension": "211"}
        assert order.detail == wanted
