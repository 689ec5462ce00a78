"""Figures for Prometheus: right, bounded, and open to those alone who may read them."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from appliance.admin.call_metrics import StageDelays, read_counts
from appliance.admin.roles import Role
from appliance.calls.events import Outcome
from appliance.storage.database import Database
from appliance.storage.spool import Spool
from appliance.storage.vital_signs import VitalSigns, write_vital_signs
from tests.integration.admin.admin_site import Site, Tenant
from tests.integration.admin.made_calls import Made, store

pytestmark = pytest.mark.postgres
OnSite = Callable[..., None]
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def _samples(text: str) -> Samples:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def _of(samples: Samples, name: str, **labels: str) -> float:
    return samples[f"appliance_{name}", frozenset(labels.items())]


async def _page(site: Site) -> Samples:
    async with site.browser() as browser:
        reply = await browser.get("/metrics")
        assert reply.status == 200
        return _samples(reply.text)


def _calls() -> list[Made]:
    delays = {"decide": 20.0, "first_audio": 90.0, "reply": 390.0}
    return [
        Made(target="sales", delays_ms=delays, said=("one", "two")),
        Made(target="sales", result="busy", mode="blind", outcome=Outcome.MESSAGE_TAKEN),
        Made(outcome=None, at=datetime.now(UTC)),
    ]


def test_calls_are_counted_from_the_database(
    on_site: OnSite, nobody_else: None, tenant: Tenant, database: Database
) -> None:
    store(database, tenant.organisation_id, *_calls())

    async def check(site: Site) -> None:
        found = await _page(site)
        assert _of(found, "calls_started_total") == 3
        assert _of(found, "calls_active") == 1
        ended = {outcome: _of(found, "calls_ended_total", outcome=outcome) for outcome in Outcome}
        assert {outcome: n for outcome, n in ended.items() if n} == {
            "connected": 1, "message_taken": 1
        }  # fmt: skip
        assert _of(found, "transfers_total", mode="attended", result="connected") == 1
        assert _of(found, "transfers_total", mode="blind", result="busy") == 1
        for stage, n, total in (
            ("endpoint", 4, 1.2), ("transcribe", 4, 0.2), ("decide", 2, 0.04),
            ("first_audio", 2, 0.18), ("reply", 2, 0.78), ("transfer", 1, 4.0),
        ):  # fmt: skip
            assert _of(found, "stage_seconds_count", stage=stage) == n
            assert _of(found, "stage_seconds_sum", stage=stage) == pytest.approx(total)
        for le, n in (("0.0160000", 0), ("0.0226274", 2)):
            assert _of(found, "stage_seconds_bucket", stage="decide", le=f"{float(le):g}") == n

    for _restarted in range(2):
        on_site(check)


def test_a_database_that_is_away_leaves_the_last_counts(
    on_site: OnSite, nobody_else: None, tenant: Tenant, database: Database
) -> None:
    store(database, tenant.organisation_id, Made())
    away = Database("postgresql://nobody@127.0.0.1:9/nothing", connect_timeout_s=1)
    now = [100.0]

    async def check(site: Site) -> None:
        counts = site.services.call_counts
        counts._clock_s = lambda: now[0]
        assert _of(await _page(site), "calls_started_total") == 1
        site.services.threads.database = away
        now[0] += 60
        assert _of(await _page(site), "calls_started_total") == 1

    async def from_the_start(site: Site) -> None:
        site.services.threads.database = away
        found = await _page(site)
        assert ("appliance_calls_started_total", frozenset()) not in found

    on_site(check)
    on_site(from_the_start)
    away.close()


def test_who_signs_in_sees_their_own_calls_alone(
    on_site: OnSite, tenant: Tenant, other_tenant: Tenant, database: Database
) -> None:
    store(database, tenant.organisation_id, Made())
    store(database, other_tenant.organisation_id, Made(), Made())

    async def check(site: Site) -> None:
        for who, calls in ((tenant, 1), (other_tenant, 2)):
            async with site.signed_in(who.emails[Role.OWNER]) as browser:
                reply = await browser.get("/metrics")
                assert _of(_samples(reply.text), "calls_started_total") == calls

    on_site(check, metrics_from=())


@pytest.mark.parametrize("header", ["Forwarded", "X-Real-IP", "Via", "X-Forwarded-Proto"])
def test_what_a_proxy_passed_on_does_not_come_from_here(on_site: OnSite, header: str) -> None:
    async def check(site: Site) -> None:
        async with site.browser() as browser:
            assert (await browser.get("/metrics", headers={header: "x"})).status == 401

    on_site(check)


def test_behind_a_proxy_that_is_not_named_nobody_is_near(on_site: OnSite) -> None:
    async def check(site: Site) -> None:
        async with site.browser() as browser:
            assert (await browser.get("/metrics")).status == 401

    on_site(check, secure=True)


def test_nothing_of_callers_becomes_a_label(
    on_site: OnSite, tenant: Tenant, database: Database
) -> None:
    odd = Made(
        number="+4930111222", name="hunter2", said=("hunter2",), labels=("hunter2",),
        target="hunter2", mode="hunter2", result="hunter2", delays_ms={"hunter2": 1.0},
    )  # fmt: skip
    store(database, tenant.organisation_id, odd)

    async def check(site: Site) -> None:
        async with site.browser() as browser:
            text = (await browser.get("/metrics")).text
            assert "hunter2" not in text
            assert 'appliance_transfers_total{mode="other",result="other"}' in text
            assert "4930111222" not in text

    on_site(check)


def test_controllers_links_spool_and_disks(on_site: OnSite, tmp_path: Path) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    now = at.timestamp() + 300
    spools = [Spool(tmp_path / "spool", name=name) for name in ("one", "two", "two")]
    spools[0].append(b'{"at": "' + at.isoformat().encode() + b'"}\n')
    spools[1].append(b'{"at": "nonsense"}\n')
    for spool, signs in zip(
        spools,
        (
            VitalSigns(at=now - 2, calls=3, link_up=True, link_connects=2, commands_failed=1),
            VitalSigns(at=now - 60, calls=1, link_connects=5, events_lost=7),
            VitalSigns(at=now - 1, calls=1, link_up=True, link_connects=1),
        ),
        strict=True,
    ):
        write_vital_signs(spool.directory, signs)

    async def check(site: Site) -> None:
        site.services.metrics._time_s = lambda: now
        found = await _page(site)
        assert _of(found, "controllers") == 3
        assert _of(found, "controller_calls", controller="one") == 3
        assert _of(found, "controller_calls", controller="two") == 2
        assert _of(found, "controller_silent_seconds", controller="two") == 60
        assert _of(found, "control_link_up", process="one") == 1
        assert _of(found, "control_link_connects_total", process="two") == 6
        assert _of(found, "control_link_commands_failed_total", process="one") == 1
        assert _of(found, "control_link_up", process="admin") == 0
        assert _of(found, "control_link_commands_failed_total", process="admin") >= 1
        assert _of(found, "spool_files") == 2
        assert _of(found, "spool_oldest_seconds") == 300
        assert _of(found, "spool_lost") == 7
        assert (
            0
            < _of(found, "disk_free_bytes", holds="recordings")
            < _of(found, "disk_bytes", holds="recordings")
        )

    try:
        on_site(check)
    finally:
        for spool in spools:
            spool.close(remove=True)


def test_a_spool_that_cannot_be_read_is_no_missing_controller(
    on_site: OnSite, tmp_path: Path
) -> None:
    (tmp_path / "spool").write_text("not a directory")

    async def check(site: Site) -> None:
        found = await _page(site)
        assert _of(found, "part_up", part="spool") == 0
        assert not [name for name, _ in found if name.startswith("appliance_controllers")]
        assert ("appliance_spool_files", frozenset()) not in found

    on_site(check)


def test_health_tells_of_controllers_that_do_not_move(on_site: OnSite, tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", name="controller-1")

    def tells(signs: VitalSigns, words: str) -> None:
        write_vital_signs(spool.directory, signs)

        async def check(site: Site) -> None:
            async with site.browser() as browser:
                parts = {p["name"]: p for p in (await browser.get("/readyz")).json()["parts"]}
                assert words in parts["controllers"]["words"]
                assert parts["controllers"]["state"] == "degraded"
                assert parts["disk"]["state"] in ("ok", "degraded")

        on_site(check)

    try:
        tells(VitalSigns(at=0.0, link_up=True), "has not moved")
        tells(VitalSigns(at=datetime.now(UTC).timestamp()), "has no control link")
    finally:
        spool.close(remove=True)


def test_delays_are_counted_into_the_buckets_that_they_belong_to() -> None:
    delays = StageDelays()
    for bucket, n in ((-1, 1), (23, 1), (24, 1), (27, 1), (28, 1), (127, 1), (128, 1), (200, 1)):
        delays.add(bucket, n, 1.0)
    found = dict(delays.buckets())
    assert next(iter(found)) == "0.008"
    assert list(found)[-2:] == ["65.536", "+Inf"]
    assert [found[le] for le in ("0.008", "0.0113137", "0.016", "65.536", "+Inf")] == [
        2, 4, 5, 6, 8
    ]  # fmt: skip


def test_reading_is_as_cheap_for_many_calls(tenant: Tenant, database: Database) -> None:
    """It reads weekly counts, never calls: as many rows for ten calls as for one."""
    statements: list[str] = []
    for many in (1, 10):
        store(database, tenant.organisation_id, *[Made() for _ in range(many)])
        with database.session(tenant.organisation_id) as session:
            rows = session.connection().exec_driver_sql(
                "SELECT count(*) FROM figures WHERE grain = 'week'"
            )
            statements.append(str(rows.scalar()))
    assert statements[0] == statements[1]
    assert read_counts(database, tenant.organisation_id).started == 11


def test_an_address_or_header_that_is_too_long_is_a_problem(on_site: OnSite) -> None:
    async def check(site: Site) -> None:
        async with site.browser() as browser:
            for path, headers, status in (
                ("/api/v1/calls?words=" + "x" * 20_000, {}, 414),
                ("/api/v1/calls", {"X-Long": "x" * 20_000}, 431),
            ):
                reply = await browser.get(path, headers=headers)
                assert (reply.status, reply.json()["status"]) == (status, status)
                assert reply.headers["Content-Type"].startswith("application/problem+json")
                assert reply.headers["X-Content-Type-Options"] == "nosniff"
                assert reply.json()["correlation_id"] == reply.headers["X-Correlation-Id"]
            page = await browser.get("/calls?words=" + "x" * 20_000)
            assert page.status == 414
            assert "Content-Security-Policy" in page.headers

    on_site(check)
