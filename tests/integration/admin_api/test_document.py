"""The API does what its OpenAPI document says, whatever it is asked."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from appliance.admin.config import AdminConfig
from appliance.admin.openapi import document
from appliance.admin.roles import Permission
from appliance.admin.route_table import all_routes
from appliance.storage.database import Database
from tests.browser.filled import store_recorded
from tests.browser.served import served
from tests.integration.admin.admin_site import TestClock, make_tenant
from tests.integration.admin.route_samples import Samples, make_samples, make_token

pytestmark = pytest.mark.postgres
_EXAMPLES = 6
_PATIENCE_S = 30.0
_FRAMING = {"transfer-encoding", "content-length", "connection", "expect", "upgrade"}
"""Of HTTP itself: what is wrong with them aiohttp answers before the application sees a request."""
_CHECKS = [
    schemathesis.checks.not_a_server_error, status_code_conformance, content_type_conformance,
    response_schema_conformance, response_headers_conformance,
]  # fmt: skip
_SCHEMA = schemathesis.openapi.from_dict(document(all_routes()))
_OPERATIONS = {
    operation.definition.raw["operationId"]: operation
    for operation in sorted(
        (result.ok() for result in _SCHEMA.get_all_operations()),  # type: ignore[union-attr]
        key=lambda operation: operation.method == "delete",  # others need what these remove
    )
}
_MODES = list(schemathesis.GenerationMode)


@dataclass
class Api:
    """A running application, a token for everything, and things that paths can name."""

    url: str
    session: requests.Session
    samples: Samples


@pytest.fixture(scope="module")
def api(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    database, clock = Database(postgres_url), TestClock()
    tenant, work = make_tenant(database), tmp_path_factory.mktemp("api")
    samples = make_samples(database, tenant, clock)
    samples["call_id"] = store_recorded(database, tenant, work / "recordings")
    _, token = make_token(database, tenant, list(Permission), clock)
    config = AdminConfig(
        port=0, spool=work / "spool", recordings=work / "recordings", requests_per_s=10_000.0,
        account_requests_per_s=10_000.0,
    )  # fmt: skip
    with served(database, config) as url, requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {token}"
        yield Api(url, session, samples)
    database.close()


@pytest.mark.parametrize("mode", _MODES, ids=[mode.value for mode in _MODES])
@pytest.mark.parametrize("name", _OPERATIONS)
def test_answers_are_as_documented(api: Api, name: str, mode: schemathesis.GenerationMode) -> None:
    operation = _OPERATIONS[name]
    there: dict[str, Any] = {
        one.name: api.samples[one.name] for one in operation.path_parameters
    }  # fmt: skip

    @settings(
        max_examples=_EXAMPLES, derandomize=True, database=None, deadline=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy(mode), exists=st.booleans())
    def ask(case: schemathesis.Case[Any], exists: bool) -> None:
        if exists:
            case.path_parameters = there
            if name == "api_event_stream":
                case.query = {"after": "0"}
        for header in [key for key in case.headers or () if key.lower() in _FRAMING]:
            del case.headers[header]
        case.call_and_validate(
            base_url=api.url, session=api.session, checks=_CHECKS, timeout=_PATIENCE_S
        )

    ask()
