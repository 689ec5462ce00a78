"""Health over the API: the same words as the strip on every page."""

from typing import Self

from pydantic import BaseModel, ConfigDict

from appliance.admin.health import HealthReport, State
from appliance.admin.roles import Permission
from appliance.admin.routing import Answer, api, may
from appliance.admin.visit import Visit


class PartOut(BaseModel):
    """One part of the appliance."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    title: str
    state: State
    words: str


class HealthOut(BaseModel):
    """All parts; ``ready`` when none is down."""

    ready: bool
    parts: list[PartOut]

    @classmethod
    def of(cls, report: HealthReport) -> Self:
        """From a report."""
        return cls(
            ready=report.ready, parts=[PartOut.model_validate(part) for part in report.parts]
        )


async def get(visit: Visit) -> Answer:
    """How every part is."""
    return HealthOut.of(await visit.services.health.report())


ROUTES = (
    api(
        "GET", "/health", "api_health", get, may(Permission.HEALTH_READ), response=HealthOut,
        tag="Health", summary="How every part is, in words",
    ),
)  # fmt: skip
