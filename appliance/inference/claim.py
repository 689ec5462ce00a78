"""On whose behalf a request is served.

The server sets it once, where the request comes in; whatever the handler's task then does, it does
for that call. Handlers need not hand it on, and code outside any request acts for nobody.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from appliance.inference.fair_queue import Urgency


@dataclass(frozen=True, slots=True)
class Claim:
    """Attributes: ``call`` is empty when the client did not say."""

    call: str = ""
    urgency: Urgency = Urgency.FINAL


NOBODY = Claim()
CLAIM: ContextVar[Claim] = ContextVar("claim", default=NOBODY)


@contextmanager
def acting_for(claim: Claim) -> Iterator[None]:
    """Inside, engines are asked on behalf of ``claim``."""
    token = CLAIM.set(claim)
    try:
        yield
    finally:
        CLAIM.reset(token)
