"""Lock-out, rate limits, passwords, credentials: pure, on times that tests hand in."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pyotp
import pytest
from argon2 import PasswordHasher

from appliance.admin import credentials, passwords
from appliance.admin.accounts import matching_step
from appliance.admin.lock_out import LockOut, keys
from appliance.admin.pages.sign_in import safe_next
from appliance.admin.passwords import Passwords, fault_of
from appliance.admin.rate_limit import RateLimit

_NOW = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)


def test_the_first_failures_cost_nothing_and_then_each_costs_twice_the_last() -> None:
    rule = LockOut(free=3, first_s=10, longest_s=60)
    waits = [(rule.locked_until(n, _NOW) - _NOW).total_seconds() for n in range(8)]
    assert waits == [0, 0, 0, 0, 10, 20, 40, 60]
    assert rule.locked_until(10_000, _NOW) == _NOW + timedelta(seconds=60)


def test_an_account_is_guarded_whatever_the_case_of_its_address() -> None:
    assert keys("A@Example.org", "10.0.0.1") == keys(" a@example.ORG", "10.0.0.1")
    assert "a@example.org" not in "".join(keys("a@example.org", ""))


def test_a_host_does_not_get_more_attempts_by_its_many_ipv6_addresses() -> None:
    first, second = keys("a@b.c", "2001:db8:1:2::1"), keys("a@b.c", "2001:db8:1:2:ffff::9")
    assert first == second
    assert first != keys("a@b.c", "2001:db8:1:3::1")
    assert keys("a@b.c", "::ffff:10.0.0.1") == keys("a@b.c", "10.0.0.1")


def test_a_bucket_fills_again_with_time() -> None:
    limit = RateLimit(2.0, burst_s=2.0)
    assert [limit.take("a", 0.0) for _ in range(4)] == [0, 0, 0, 0]
    assert limit.take("a", 0.0) == pytest.approx(0.5)
    assert limit.take("b", 0.0) == 0
    assert limit.take("a", 0.5) == 0
    assert limit.take("a", 0.5) > 0


def test_old_keys_make_room() -> None:
    limit = RateLimit(1.0, burst_s=1.0, most=2)
    for key in "abc":
        limit.take(key, 0.0)
    assert limit.take("c", 0.0) > 0
    assert limit.take("a", 0.0) == 0


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        ("short", "12 characters"),
        ("x" * 257, "256"),
        ("password1234", "easy to guess"),
        ("anna.berger77", "easy to guess"),
        ("aaaaaaaaaaaaaaaa", "too few"),
        ("correct horse battery", ""),
        ("Ünïcödé wörds äre fïne", ""),
    ],
)
def test_new_passwords_are_hard_to_guess(password: str, fault: str) -> None:
    found = fault_of(password, "anna.berger@example.org", "Anna Berger")
    assert (fault in found) if fault else found == ""


def test_generated_passwords_are_good_and_never_the_same() -> None:
    made = {passwords.generated() for _ in range(50)}
    assert len(made) == 50
    assert all(fault_of(password) == "" for password in made)


def test_a_password_is_known_by_its_hash_alone() -> None:
    checker = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    kept = checker.hash("correct horse battery")
    assert kept.startswith("$argon2id$")
    assert checker.verify(kept, "correct horse battery")
    assert not checker.verify(kept, "correct horse batter")
    assert not checker.verify(None, "anything")
    assert not checker.verify("no hash", "anything")
    assert not checker.outdated(kept)
    assert Passwords().outdated(kept)


def test_credentials_come_back_from_what_was_handed_out() -> None:
    made = credentials.fresh_credential(uuid4())
    assert credentials.from_cookie(made.as_cookie()) == made
    assert credentials.from_token(made.as_token()) == made
    assert made.secret not in repr(made)
    assert made.secret.encode() not in made.token_hash
    assert made.csrf != made.secret
    assert credentials.same(made.csrf, credentials.csrf_of(made.secret))


@pytest.mark.parametrize("text", ["", "x", "0" * 32 + ".short", "apl_zz_" + "a" * 43, "\x00"])
def test_what_is_no_credential_is_none(text: str) -> None:
    assert credentials.from_cookie(text) is None
    assert credentials.from_token(text) is None


def test_two_empty_secrets_are_not_the_same() -> None:
    assert not credentials.same("", "")
    assert not credentials.same("ä", "a")


def test_a_code_belongs_to_its_half_minute_and_the_ones_beside_it() -> None:
    secret = pyotp.random_base32()
    code = pyotp.TOTP(secret).at(_NOW)
    step = int(_NOW.timestamp()) // 30
    assert matching_step(secret, code, _NOW) == step
    assert matching_step(secret, f"{code[:3]} {code[3:]}", _NOW + timedelta(seconds=30)) == step
    assert matching_step(secret, code, _NOW + timedelta(seconds=90)) is None
    for wrong in ("", "12345", "abcdef", "\uff11\uff12\uff13\uff14\uff15\uff16", "1234567"):
        assert matching_step(secret, wrong, _NOW) is None


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example", "//evil.example", "/\\evil.example", "/api/v1/calls", "calls",
        "/x\r\nSet-Cookie: a=b", "/sign-out", "javascript:alert(1)", "", "/a\\b",
    ],
)  # fmt: skip
def test_after_signing_in_nobody_is_sent_elsewhere(address: str) -> None:
    assert safe_next(address) == "/"


def test_after_signing_in_one_gets_where_one_wanted() -> None:
    assert safe_next("/calls?number=49") == "/calls?number=49"
