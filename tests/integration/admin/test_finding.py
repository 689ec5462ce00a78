"""Calls found through the index, window by window, beside what looking at each of them finds."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from appliance.admin.call_filters import CallFilter, Sort
from appliance.admin.call_queries import Found, find_calls
from appliance.calls.decision import Priority
from appliance.calls.events import Outcome
from appliance.lab.benchmarks.seeding import seed
from appliance.storage.database import Database
from tests.integration.admin.admin_site import Tenant

pytestmark = pytest.mark.postgres
CALLS = 1300
UNTIL = datetime(2026, 5, 4, 12, tzinfo=UTC)
PIANO = "words @@ websearch_to_tsquery('public.appliance_words', 'piano')"
MIXTURES = (
    (CallFilter(), "true"),
    (CallFilter(label="vip"), "'vip' = ANY (labels)"),
    (CallFilter(label="nothing"), "false"),
    (CallFilter(outcome=Outcome.INFORMED), "outcome = 'informed'"),
    (CallFilter(going_on=True), "outcome IS NULL"),
    (CallFilter(priority=Priority.NORMAL), "coalesce(priority, 1) = 1"),
    (CallFilter(target="seed-Dr Weber"), "'seed-Dr Weber' = ANY (target_ids)"),
    (CallFilter(number="7"), "caller_tail LIKE '7%'"),
    (CallFilter(number="7", words="piano"), f"caller_tail LIKE '7%' AND {PIANO}"),
    (CallFilter(words="piano"), PIANO),
    (
        CallFilter(words="piano", label="vip", outcome=Outcome.CONNECTED),
        f"{PIANO} AND 'vip' = ANY (labels) AND outcome = 'connected'",
    ),
    (
        CallFilter(words="piano", after=UNTIL - timedelta(300), before=UNTIL - timedelta(99.5)),
        f"{PIANO} AND at >= '2025-07-08 12:00Z' AND at < '2026-01-25 00:00Z'",
    ),
    *(
        (
            CallFilter(words=words),
            f"words @@ websearch_to_tsquery('public.appliance_words', '{words}')",
        )
        for words in ('"arrived broken"', '"broken arrived"', "piano -yes", "-yes", "yes or piano")
    ),
)


def _pages(session: Session, wanted: CallFilter) -> Iterator[Found]:
    cursor: str | None = ""
    while cursor is not None:
        found = find_calls(session, wanted, 200, cursor)
        yield found
        cursor = found.following


def test_windows_find_what_looking_at_each_call_finds(
    tenant: Tenant, database: Database, postgres_url: str
) -> None:
    seed(postgres_url, str(tenant.organisation_id), CALLS, until=UNTIL, days=400)
    with database.session(tenant.organisation_id) as session:
        for wanted, condition in MIXTURES:
            looked = text(f"SELECT call_id FROM call_list WHERE {condition}"
                          " ORDER BY at DESC, call_id DESC")  # fmt: skip
            there = session.scalars(looked).all()
            pages = _pages(session, replace(wanted, sort=Sort.NEWEST))
            assert [key for page in pages for key in page.ids] == there, wanted
            if wanted.words:
                best = [key for page in _pages(session, wanted) for key in page.ids]
                assert sorted(best) == sorted(there), wanted


def test_of_very_many_that_fit_the_newest_thousand_are_ranked(
    tenant: Tenant, database: Database, postgres_url: str
) -> None:
    seed(postgres_url, str(tenant.organisation_id), CALLS, until=UNTIL, days=400)
    with database.session(tenant.organisation_id) as session:
        thousand = session.execute(
            text("SELECT call_id, at FROM call_list ORDER BY at DESC, call_id DESC LIMIT 1000")
        ).all()
        pages = list(_pages(session, CallFilter(words="harbour")))
        assert {page.ranked_since for page in pages} == {thousand[-1].at}
        assert sorted(key for page in pages for key in page.ids) == sorted(
            row.call_id for row in thousand
        )
        (few,) = _pages(session, CallFilter(words="harbour", label="nothing"))
        assert few == Found([], None, None)
