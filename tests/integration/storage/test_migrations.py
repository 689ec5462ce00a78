"""The schema: up, down, up again, no drift from the models, and organisations kept apart."""

from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from psycopg import sql
from sqlalchemy import create_engine, func, select

from appliance.calls.errors import StorageError
from appliance.storage.call_models import Event
from appliance.storage.database import Database, RefusedRowError
from appliance.storage.directory_store import load_directory
from appliance.storage.migrate import alembic_config, migrate
from appliance.storage.models import Base, Did, Organisation
from appliance.storage.private_cluster import PrivateCluster
from appliance.storage.urls import sqlalchemy_url

pytestmark = pytest.mark.postgres


@pytest.fixture
def empty_url(postgres_cluster: PrivateCluster) -> Iterator[str]:
    name = f"empty_{uuid4().hex[:8]}"
    with psycopg.connect(postgres_cluster.admin_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} OWNER appliance_owner")
        yield postgres_cluster.url.rsplit("/", 1)[0] + f"/{name}"
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _tables(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        return {name for (name,) in rows}


def test_migrations_go_up_down_and_up_again(empty_url: str) -> None:
    migrate(empty_url)
    everything = _tables(empty_url)
    assert {table.name for table in Base.metadata.sorted_tables} | {"alembic_version"} == everything
    command.downgrade(alembic_config(empty_url), "base")
    assert _tables(empty_url) == {"alembic_version"}
    migrate(empty_url)
    migrate(empty_url)
    assert _tables(empty_url) == everything


def test_greetings_become_those_of_personas_and_back(empty_url: str) -> None:
    config = alembic_config(empty_url)
    command.upgrade(config, "0007")
    with psycopg.connect(empty_url) as connection:
        organisation = uuid4()
        connection.execute(
            "SELECT set_config('appliance.organisation_id', %s, true)", [str(organisation)]
        )
        connection.execute(
            "INSERT INTO organisations (organisation_id, name, greeting) VALUES (%s, 'C', 'Hi.')",
            [organisation],
        )
        connection.execute(
            "INSERT INTO dids (organisation_id, number, greeting) "
            "VALUES (%(id)s, '+4930', ''), (%(id)s, '+4931', 'Sales.'), (%(id)s, '+4932', 'Hi.')",
            {"id": organisation},
        )
    migrate(empty_url)
    database = Database(empty_url)
    directory = load_directory(database, str(organisation))
    database.close()
    assert directory is not None
    answers = [directory.persona_of(did).greeting for did in directory.dids]
    assert answers == ["Hi.", "Sales.", "Hi."]
    command.downgrade(config, "0007")
    with psycopg.connect(empty_url) as connection:
        connection.execute(
            "SELECT set_config('appliance.organisation_id', %s, true)", [str(organisation)]
        )
        rows = connection.execute("SELECT greeting FROM dids ORDER BY number").fetchall()
        assert [greeting for (greeting,) in rows] == ["", "Sales.", "Hi."]
        assert connection.execute("SELECT greeting FROM organisations").fetchall() == [("Hi.",)]


def test_recordings_move_into_a_table_of_their_own_and_back(empty_url: str) -> None:
    config = alembic_config(empty_url)
    command.upgrade(config, "0011")
    organisation = uuid4()
    as_organisation = "SELECT set_config('appliance.organisation_id', %s, true)"
    with psycopg.connect(empty_url) as connection:
        connection.execute(as_organisation, [str(organisation)])
        connection.execute(
            "INSERT INTO organisations (organisation_id, name) VALUES (%s, 'C')", [organisation]
        )
        connection.execute(
            "INSERT INTO calls (organisation_id, call_id, first_event_at, last_event_at, last_seq,"
            " recording, times_resumed) VALUES (%(id)s, 'c', now(), now(), 4, 'c.wav', 1),"
            " (%(id)s, 'silent', now(), now(), 1, '', 0)",
            {"id": organisation},
        )
        connection.execute(
            "INSERT INTO events (event_id, organisation_id, call_id, seq, at, kind, data)"
            " SELECT gen_random_uuid(), %s, call_id, seq, now(), kind, data::jsonb FROM (VALUES"
            """ ('c', 1, 'call_started', '{"recording": "c.wav"}'),"""
            """ ('c', 3, 'call_resumed', '{}'),"""
            """ ('silent', 1, 'call_started', '{"recording": ""}')"""
            ") AS held (call_id, seq, kind, data)",
            [organisation],
        )
        connection.execute(
            "INSERT INTO turns (organisation_id, call_id, event_id, seq, at, turn, speaker, text,"
            " source, started_ms, ended_ms, confidence, interrupted, delays_ms, model)"
            " SELECT %s, 'c', gen_random_uuid(), seq, now(), 1, 'caller', '', 'speech', 0, 0, 1,"
            " false, '{}', '' FROM (VALUES (2), (4)) AS taken (seq)",
            [organisation],
        )
    migrate(empty_url)
    with psycopg.connect(empty_url) as connection:
        connection.execute(as_organisation, [str(organisation)])
        held = connection.execute("SELECT call_id, seq, part, path FROM recordings").fetchall()
        assert held == [("c", 1, 1, "c.wav")]
        parts = connection.execute("SELECT seq, part FROM turns ORDER BY seq").fetchall()
        assert parts == [(2, 1), (4, 2)]
    command.downgrade(config, "0011")
    with psycopg.connect(empty_url) as connection:
        connection.execute(as_organisation, [str(organisation)])
        held = connection.execute("SELECT call_id, recording FROM calls ORDER BY 1").fetchall()
        assert held == [("c", "c.wav"), ("silent", None)]


def test_models_and_migrations_agree(empty_url: str) -> None:
    migrate(empty_url)
    engine = create_engine(sqlalchemy_url(empty_url))
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


def test_every_constraint_has_a_name_of_ours(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        rows = connection.execute(
            "SELECT conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace "
            "AND conrelid <> 'alembic_version'::regclass"
        ).fetchall()
    assert rows
    assert all(name.split("_")[0] in ("pk", "fk", "uq", "ck") for (name,) in rows)


def test_row_level_security_is_enabled_and_forced_on_every_table(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        rows = connection.execute(
            "SELECT relname, relrowsecurity AND relforcerowsecurity FROM pg_class "
            "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        ).fetchall()
    unprotected = {name for name, protected in rows if not protected}
    assert unprotected == {"alembic_version"}


def test_the_application_role_is_powerless(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        row = connection.execute(
            "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles "
            "WHERE rolname = 'appliance_app'"
        ).fetchone()
        owned = connection.execute(
            "SELECT count(*) FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner "
            "WHERE r.rolname = 'appliance_app'"
        ).fetchone()
    assert row == (False, False, False, False)
    assert owned == (0,)


def _organisation(database: Database) -> str:
    organisation_id = uuid4()
    with database.session(organisation_id) as session:
        session.add(Organisation(organisation_id=organisation_id, name="Somewhere"))
    return str(organisation_id)


def test_an_organisation_sees_only_its_own_rows(database: Database) -> None:
    first, second = _organisation(database), _organisation(database)
    number = f"+{uuid4().int % 10**14}"
    with database.session(first) as session:
        session.add(Did(organisation_id=first, number=number))
    with database.session(second) as session:
        assert session.scalars(select(Did)).all() == []
        assert [str(found) for found in session.scalars(select(Organisation.organisation_id))] == [
            second
        ]
    with database.session(first) as session:
        assert session.scalars(select(Did.number)).all() == [number]


def test_a_row_cannot_be_written_for_another_organisation(database: Database) -> None:
    first, second = _organisation(database), _organisation(database)
    with (
        pytest.raises(StorageError, match="row-level security"),
        database.session(first) as session,
    ):
        session.add(Did(organisation_id=second, number="+4999"))


def test_without_an_organisation_nothing_is_seen_even_by_the_owner(
    database: Database, postgres_url: str
) -> None:
    _organisation(database)
    with database.transaction() as connection:
        assert connection.execute("SELECT count(*) FROM organisations").fetchone() == (0,)
    with psycopg.connect(postgres_url) as connection:
        for table in Base.metadata.sorted_tables:
            if table.name in ("organisations", "call_list"):
                continue  # the owner reads these for what is told to the application's role
            query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table.name))
            assert connection.execute(query).fetchone() == (0,)


def test_the_organisation_does_not_outlive_its_transaction(database: Database) -> None:
    organisation = _organisation(database)
    with database.session(organisation) as session:
        assert session.scalar(select(func.count()).select_from(Organisation)) == 1
    with database.transaction() as connection:
        assert connection.execute("SELECT count(*) FROM organisations").fetchone() == (0,)


@pytest.mark.parametrize("statement", ["DELETE FROM events", "UPDATE events SET kind = 'x'"])
def test_events_can_only_be_added(database: Database, statement: str) -> None:
    with (
        pytest.raises(StorageError, match="permission denied"),
        database.transaction() as connection,
    ):
        connection.execute(statement.encode())


def test_the_directory_index_shows_organisations_and_grows_with_changes(
    database: Database,
) -> None:
    organisation = _organisation(database)
    before = database.directory_index()[organisation]
    with database.session(organisation) as session:
        session.add(Did(organisation_id=organisation, number=f"+{uuid4().int % 10**14}"))
    assert database.directory_index()[organisation] > before


def test_a_did_leads_to_one_organisation_only(database: Database) -> None:
    first, second = _organisation(database), _organisation(database)
    number = f"+{uuid4().int % 10**14}"
    with database.session(first) as session:
        session.add(Did(organisation_id=first, number=number))
    with (
        pytest.raises(RefusedRowError, match="uq_dids_number"),
        database.session(second) as session,
    ):
        session.add(Did(organisation_id=second, number=number))


def test_the_application_signs_in_with_its_password(
    postgres_cluster: PrivateCluster, postgres_url: str
) -> None:
    migrate(postgres_url, app_password="it's a secret")
    rest = postgres_url.split("@")[1]
    database = Database(f"postgresql://appliance_app:it%27s%20a%20secret@{rest}")
    database.check()
    database.close()


def test_the_application_may_not_migrate(
    postgres_cluster: PrivateCluster, postgres_url: str
) -> None:
    migrate(postgres_url, app_password="secret")
    rest = postgres_url.split("@")[1]
    with pytest.raises(StorageError, match="owner") as raised:
        migrate(f"postgresql://appliance_app:secret@{rest}")
    assert "\n" not in str(raised.value)


def test_a_newer_database_is_left_alone(empty_url: str) -> None:
    migrate(empty_url)
    with psycopg.connect(empty_url, autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StorageError, match=r"9999.*newer"):
        migrate(empty_url)


def test_a_role_that_gets_round_row_level_security_is_refused(
    postgres_cluster: PrivateCluster, postgres_url: str, empty_url: str
) -> None:
    with psycopg.connect(postgres_cluster.admin_url, autocommit=True) as connection:
        connection.execute("ALTER ROLE appliance_app BYPASSRLS")
        try:
            with pytest.raises(StorageError, match="NOBYPASSRLS"):
                migrate(empty_url)
        finally:
            connection.execute("ALTER ROLE appliance_app NOBYPASSRLS")


def test_a_database_that_was_not_migrated_says_so(postgres_url: str) -> None:
    migrate(postgres_url)
    database = Database(postgres_url)
    with (
        pytest.raises(StorageError, match=r"of_tomorrow.*appliance migrate"),
        database.transaction() as connection,
    ):
        connection.execute("SELECT of_tomorrow FROM events")
    database.close()


def test_a_database_without_tables_says_what_to_do(empty_url: str, postgres_url: str) -> None:
    database = Database(empty_url)
    with pytest.raises(StorageError, match="appliance migrate"):
        database.check()
    database.close()


def test_a_database_that_is_away_is_a_retryable_error() -> None:
    database = Database("postgresql://nobody@127.0.0.1:9/nothing")
    with pytest.raises(StorageError) as raised:
        database.check()
    assert raised.value.retryable
    assert not isinstance(raised.value, RefusedRowError)


def test_event_rows_name_their_columns_as_the_event_does() -> None:
    names = {column.name for column in Event.__table__.columns}
    place = {"position"}  # which the database gives
    fields = {"event_id", "organisation_id", "call_id", "seq", "at", "kind", "data"}
    assert names == fields | place


def test_a_young_database_checks_foreign_keys_by_the_primary_key(
    postgres_cluster: PrivateCluster, empty_url: str
) -> None:
    migrate(empty_url)
    name = empty_url.rsplit("/", 1)[1]
    with psycopg.connect(postgres_cluster.admin_url, dbname=name) as connection:
        plan = connection.execute(
            "EXPLAIN SELECT 1 FROM ONLY calls WHERE organisation_id = %s AND call_id = %s "
            "FOR KEY SHARE",
            [uuid4(), "call"],
        ).fetchall()
    assert any("pk_calls" in line for (line,) in plan)
