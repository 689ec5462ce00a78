"""The directory: from a file into the database, and from there to calls, also without it."""

import textwrap
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from appliance.calls.directory import Department, Directory, Person
from appliance.calls.errors import ConfigurationError
from appliance.calls.hours import Span
from appliance.calls.transfer import TransferMode
from appliance.storage.database import Database
from appliance.storage.directory_news import tell
from appliance.storage.directory_store import (
    DirectoryCache,
    import_directory,
    load_directories,
    load_directory,
)
from appliance.storage.models import Did, Extension, Organisation, Trunk
from appliance.storage.phone_store import load_lines, load_phones

pytestmark = pytest.mark.postgres


def _digits() -> str:
    return str(10**11 + uuid4().int % 10**11)


@pytest.fixture
def number() -> str:
    return "+" + _digits()


@pytest.fixture
def domain() -> str:
    return f"{uuid4().hex[:8]}.example"


@pytest.fixture
def clinic(tmp_path: Path, number: str) -> Path:
    file = tmp_path / "clinic.yaml"
    file.write_text(
        textwrap.dedent(f"""
        organisation:
          name: "Clinic {number}"
          timezone: Europe/Berlin
          persona: Front desk
          operator: Reception
          emergency: Anna Lee
        personas:
          - {{name: Billing, greeting: Billing., voice: en-gb, house: the clinic}}
          - {{name: Front desk, greeting: Good day.}}
        dids:
          - number: "{number}"
            persona: Billing
        hours:
          monday: ["13:30-17:00", "09:00-12:30"]
          friday: ["00:00-24:00"]
          exceptions:
            2026-12-25: []
            "2026-12-31": ["09:00-12:00"]
        extensions:
          - number: "201"
            password: secret
            voicemail_password: "4711"
            outbound: true
        people:
          - name: Anna Lee
            extension: "201"
            aliases: [doctor lee]
            transfer_mode: blind
            ring_timeout_s: 15
          - {{name: Bob, extension: "203"}}
        departments:
          - name: Reception
            members: ["202", Anna Lee, "202"]
            topics: [appointment]
            hours: {{tuesday: ["09:00-12:00"]}}
        trunks:
          - name: provider
            proxy: sip.example.org
            username: "0301"
            password: "00secret"
            register: true
            addresses: ["192.0.2.0/24"]
        """)
    )
    return file


def _loaded(database: Database, organisation_id: str) -> Directory:
    directory = load_directory(database, organisation_id)
    assert directory is not None
    return directory


def test_a_file_becomes_a_directory(
    database: Database, clinic: Path, number: str, domain: str
) -> None:
    organisation = import_directory(database, clinic, domain=domain)
    directory = _loaded(database, organisation)
    assert directory in load_directories(database)
    assert directory.organisation_id == organisation
    assert directory.persona_of(None).greeting == "Good day."
    (did,) = directory.dids
    billing = directory.persona_of(did)
    assert (did.number, billing.greeting, billing.voice) == (number, "Billing.", "en-gb")
    assert (billing.house, billing.language, billing.goodbye) == ("the clinic", "en", "")
    anna, bob = directory.people
    assert anna == Person(anna.id, "Anna Lee", "201", ("doctor lee",), TransferMode.BLIND, 15)
    assert bob == Person(bob.id, "Bob", "203")
    (reception,) = directory.departments
    assert isinstance(reception, Department)
    assert reception.extensions == ("202", "201")
    assert directory.operator_target == reception
    assert directory.emergency_target == anna
    assert directory.hours.spans_on(date(2026, 11, 23)) == (
        Span(time(9), time(12, 30)),
        Span(time(13, 30), time(17)),
    )
    assert directory.hours.is_open(datetime(2026, 11, 27, 22, 59, 59, tzinfo=UTC))
    assert directory.hours.spans_on(date(2026, 12, 25)) == ()
    assert directory.hours.spans_on(date(2026, 12, 31)) == (Span(time(9), time(12)),)
    assert reception.hours is not None
    assert reception.hours.timezone == "Europe/Berlin"
    assert list(reception.hours.week) == [1]


def test_passwords_are_kept_as_digests_and_only_where_given(
    database: Database, clinic: Path, domain: str
) -> None:
    organisation = import_directory(database, clinic, domain="appliance.test")
    with database.session(organisation) as session:
        rows = {row.number: row for row in session.scalars(select(Extension))}
        # MD5 of 201:appliance.test:secret, worked out with md5sum
        assert rows["201"].a1_hash == "7dd2f418810d312431b507a4c318e83d"
        assert (rows["201"].voicemail_password, rows["201"].outbound) == ("4711", True)
        assert rows["202"].a1_hash is None
        trunk = session.scalars(select(Trunk)).one()
        assert (trunk.username, trunk.password, trunk.register) == ("0301", "00secret", True)
    clinic.write_text(clinic.read_text().replace("password: secret", 'password: ""'))
    import_directory(database, clinic, domain="appliance.test")
    with database.session(organisation) as session:
        again = session.get_one(Extension, (rows["201"].organisation_id, "201"))
        assert again.a1_hash == "7dd2f418810d312431b507a4c318e83d"
        session.delete(session.get_one(Organisation, again.organisation_id))


def test_phones_and_lines_are_read_for_the_switch(
    database: Database, clinic: Path, domain: str
) -> None:
    organisation = import_directory(database, clinic, domain=domain)
    phones = [phone for phone in load_phones(database) if phone.domain == domain]
    assert [(phone.number, phone.name, phone.outbound) for phone in phones] == [
        ("201", "Anna Lee", True),
        ("202", "", False),
        ("203", "Bob", False),
    ]
    (line,) = (line for line in load_lines(database) if line.organisation_id == organisation)
    assert (line.proxy, line.password, line.addresses) == (
        "sip.example.org",
        "00secret",
        ("192.0.2.0/24",),
    )


def test_importing_again_changes_nothing_and_changes_are_taken_up(
    database: Database, clinic: Path, domain: str
) -> None:
    organisation = import_directory(database, clinic, domain=domain)
    before = _loaded(database, organisation)
    assert import_directory(database, clinic, domain=domain) == organisation
    assert _loaded(database, organisation) == before
    clinic.write_text(
        clinic.read_text()
        .replace('members: ["202", Anna Lee, "202"]', "members: [Bob]")
        .replace('friday: ["00:00-24:00"]', "")
        .replace("hours: {tuesday", "topics: [bill]\n    #")
        .replace("topics: [appointment]", "")
    )
    import_directory(database, clinic, domain=domain)
    after = _loaded(database, organisation)
    assert after.version != before.version
    assert after.departments[0].extensions == ("203",)
    assert after.departments[0].hours is None
    assert after.departments[0].id == before.departments[0].id
    assert list(after.hours.week) == [0]


def test_a_number_of_another_organisation_is_refused_by_name(
    database: Database, clinic: Path, number: str, domain: str
) -> None:
    import_directory(database, clinic, domain=domain)
    clinic.write_text(clinic.read_text().replace(f'name: "Clinic {number}"', f'name: "{uuid4()}"'))
    with pytest.raises(ConfigurationError, match="another organisation of this domain"):
        import_directory(database, clinic, domain=domain)
    with pytest.raises(ConfigurationError, match="DID belongs to another organisation"):
        import_directory(database, clinic, domain=f"other.{domain}")


def test_no_other_organisation_takes_a_number_by_leaving_out_its_plus(
    database: Database, clinic: Path, number: str, domain: str
) -> None:
    first = import_directory(database, clinic, domain=domain)
    text = clinic.read_text().replace(f'- number: "{number}"', f'- number: "{number[1:]}"')
    clinic.write_text(text.replace(f'name: "Clinic {number}"', f'name: "{uuid4()}"'))
    with pytest.raises(ConfigurationError, match="DID belongs to another organisation"):
        import_directory(database, clinic, domain=f"other.{domain}")
    # Its own organisation may write it so.
    clinic.write_text(text)
    assert import_directory(database, clinic, domain=domain) == first
    assert [did.number for did in _loaded(database, first).dids] == [number[1:]]


def _cache(database: Database, file: Path, **options: Callable[..., None]) -> DirectoryCache:
    return DirectoryCache(database, file, refresh_s=0.02, **options)


def test_the_cache_follows_changes(
    database: Database, clinic: Path, number: str, domain: str, tmp_path: Path
) -> None:
    changed = threading.Semaphore(0)
    cache = _cache(database, tmp_path / "s.json", on_change=lambda _: changed.release())
    cache.start()
    assert cache.by_did(number) is None
    organisation = import_directory(database, clinic, domain=domain)
    while cache.by_did(number) is None:
        assert changed.acquire(timeout=10)
    found = cache.by_did(number)
    assert found is cache.by_did(number.lstrip("+"))
    assert found is cache.by_organisation(organisation)
    with database.session(organisation) as session:
        session.add(Did(organisation_id=organisation, number=_digits()))
    while found is cache.by_did(number):
        assert changed.acquire(timeout=10)
    with database.session(organisation) as session:
        session.delete(session.get_one(Organisation, organisation))
    while cache.by_did(number) is not None:
        assert changed.acquire(timeout=10)
    cache.stop()


def test_a_change_that_is_told_does_not_wait_for_the_next_look(
    database: Database, clinic: Path, number: str, domain: str, tmp_path: Path
) -> None:
    organisation = import_directory(database, clinic, domain=domain)
    changed = threading.Semaphore(0)
    cache = DirectoryCache(
        database, tmp_path / "s.json", refresh_s=3600, on_change=lambda _: changed.release()
    )
    cache.start()
    found = cache.by_did(number)
    with database.session(organisation) as session:
        session.add(Did(organisation_id=organisation, number=_digits()))
        tell(session, UUID(organisation))
    while found is cache.by_did(number):
        assert changed.acquire(timeout=10)
    clinic.write_text(clinic.read_text().replace("Anna", "Annabel"))
    import_directory(database, clinic, domain=domain)
    while "Annabel" not in str(cache.by_did(number)):
        assert changed.acquire(timeout=10)
    cache.stop()


def test_nothing_is_read_again_while_nothing_changes(
    database: Database, clinic: Path, number: str, domain: str, tmp_path: Path
) -> None:
    import_directory(database, clinic, domain=domain)
    cache = _cache(database, tmp_path / "s.json")
    assert cache.refresh()
    first = cache.by_did(number)
    assert first is not None
    assert cache.refresh()
    assert cache.by_did(number) is first


_AWAY = "postgresql://nobody@127.0.0.1:9/nothing"


def test_a_start_without_the_database_answers_from_disk(
    database: Database, clinic: Path, number: str, domain: str, tmp_path: Path
) -> None:
    file = tmp_path / "var" / "directory.json"
    organisation = import_directory(database, clinic, domain=domain)
    _cache(database, file).refresh()
    told: list[Directory] = []
    cache = _cache(Database(_AWAY), file, on_change=told.extend)
    cache.start()
    assert cache.by_did(number) == _loaded(database, organisation)
    assert cache.by_did(number) in told
    cache.stop()


@pytest.mark.parametrize("spoilt", [None, "", "{", "[1]", '[{"name": 5}]', "null"])
def test_a_spoilt_snapshot_is_no_obstacle(tmp_path: Path, spoilt: str | None) -> None:
    file = tmp_path / "directory.json"
    if spoilt is not None:
        file.write_text(spoilt)
    cache = _cache(Database(_AWAY), file)
    cache.start()
    assert cache.directories == ()
    cache.stop()
