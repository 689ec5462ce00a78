"""What handlers work with; made once at start-up and kept in the application."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from aiohttp import web

from appliance.admin.call_metrics import KeptCounts
from appliance.admin.config import AdminConfig
from appliance.admin.database import DatabaseThreads
from appliance.admin.flashes import Flashes
from appliance.admin.health import HealthChecks
from appliance.admin.metrics import Metrics
from appliance.admin.passwords import Passwords
from appliance.admin.rate_limit import RateLimit
from appliance.admin.sessions import SessionRules
from appliance.admin.switch_link import SwitchLink


def utc_now() -> datetime:
    """The time of day."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything shared by requests.

    Attributes:
        now: the time of day, UTC.
        clock_s: seconds of a clock that never goes back.
    """

    config: AdminConfig
    threads: DatabaseThreads
    passwords: Passwords
    health: HealthChecks
    switch: SwitchLink
    metrics: Metrics
    call_counts: KeptCounts
    by_address: RateLimit
    by_account: RateLimit
    flashes: Flashes = field(default_factory=Flashes)
    now: Callable[[], datetime] = utc_now
    clock_s: Callable[[], float] = time.monotonic

    @property
    def session_rules(self) -> SessionRules:
        """How long sessions last."""
        return SessionRules(self.config.idle, self.config.longest)


SERVICES: web.AppKey[Services] = web.AppKey("services", Services)
