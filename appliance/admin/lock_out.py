"""Growing lock-out: after some failures every further one costs twice the time of the last."""

import hashlib
import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from appliance.storage.admin_models import SignInGuard


@dataclass(frozen=True, slots=True)
class LockOut:
    """How failures cost time.

    Attributes:
        free: failures that cost nothing.
        first_s: the lock after one more.
        longest_s: no lock is longer, so that nobody locks another out for good.
        forgotten_s: failures older than this count no more.
    """

    free: int
    first_s: float = 15.0
    longest_s: float = 3600.0
    forgotten_s: float = 86_400.0

    def locked_until(self, failures: int, last_failed_at: datetime) -> datetime:
        """When the next attempt may be made."""
        beyond = failures - self.free
        if beyond <= 0:
            return last_failed_at
        seconds = min(self.first_s * 2 ** min(beyond - 1, 30), self.longest_s)
        return last_failed_at + timedelta(seconds=seconds)


OF_ACCOUNT = LockOut(free=5)
# Many people may sit behind one address.
OF_ADDRESS = LockOut(free=30)


def keys(email: str, address: str) -> dict[str, LockOut]:
    """The guards of an attempt: one for the account, whether or not it exists, one for the address.

    An IPv6 address counts as its network: a host has 2**64 of them.
    """
    account = hashlib.sha256(email.strip().casefold().encode()).hexdigest()
    return {f"account:{account}": OF_ACCOUNT, f"address:{_network(address)}": OF_ADDRESS}


def begin_attempt(session: Session, guards: dict[str, LockOut], now: datetime) -> datetime | None:
    """Count an attempt as a failure beforehand, unless it may not be made yet.

    Counting first keeps many attempts at once from sharing one look at the counter;
    `attempt_succeeded` takes it back.

    Returns:
        None when the attempt may be made; otherwise when the next may. Nothing is counted then.
    """
    rows = {key: _locked(session, key, now) for key in sorted(guards)}
    for row in rows.values():
        # The clock was set back: nobody waits for a time that was never meant.
        row.last_failed_at = min(row.last_failed_at, now)
    waits = [
        until
        for key, row in rows.items()
        if (until := guards[key].locked_until(row.failures, row.last_failed_at)) > now
    ]
    if waits:
        return max(waits)
    for key, row in rows.items():
        old = now - row.last_failed_at > timedelta(seconds=guards[key].forgotten_s)
        row.failures = 1 if old else row.failures + 1
        row.last_failed_at = now
    return None


def attempt_succeeded(session: Session, guards: dict[str, LockOut]) -> None:
    """Forget the account's failures, and take this attempt off the address's.

    The address's others stay: whoever has one account must not clear the way to guess at others.
    """
    for key in sorted(guards):
        if key.startswith("account:"):
            session.execute(delete(SignInGuard).where(SignInGuard.key == key))
        else:
            row = session.get(SignInGuard, key, with_for_update=True)
            if row is not None:
                row.failures = max(0, row.failures - 1)


def _locked(session: Session, key: str, now: datetime) -> SignInGuard:
    fresh = insert(SignInGuard).values(key=key, failures=0, last_failed_at=now)
    session.execute(fresh.on_conflict_do_nothing())
    row = session.get(SignInGuard, key, with_for_update=True)
    if row is None:  # forgotten by a success in between
        return _locked(session, key, now)
    return row


def _network(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if parsed.version == 6 and parsed.ipv4_mapped is None:
        return str(ipaddress.ip_network(f"{parsed}/64", strict=False))
    return str(parsed.ipv4_mapped if parsed.version == 6 else parsed)
