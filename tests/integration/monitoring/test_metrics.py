"""Dashboard and alert rules against what is really there to be scraped after a call."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.integration.monitoring.conftest import Observed

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(600)]
MONITORING = Path(__file__).parents[3] / "monitoring"
_SELECTOR = re.compile(r"\b(appliance_\w+|up)\b(?:\{([^}]*)\})?")
_MATCHER = re.compile(r'(\w+)(=~|=|!~|!=)"([^"]*)"')
_KINDS = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}
Labels = dict[str, set[str]]


def _scraped(observed: Observed) -> dict[str, Labels]:
    """By name, the labels that were there and their values."""
    found: dict[str, Labels] = {"up": {"job": {"appliance", "appliance-inference"}}}
    for page in observed.pages.values():
        for family in text_string_to_metric_families(page):
            for ending in _KINDS.get(family.type, ("",)):
                found.setdefault(family.name + ending, {})
            for sample in family.samples:
                labels = found.setdefault(sample.name, {})
                for label, value in sample.labels.items():
                    labels.setdefault(label, set()).add(value)
    return found


def _of_dashboard() -> Iterator[tuple[str, str]]:
    for panel in json.loads((MONITORING / "grafana" / "appliance.json").read_text())["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]


def _of_alerts() -> Iterator[tuple[str, str]]:
    alerts = yaml.safe_load((MONITORING / "prometheus" / "alerts.yml").read_text())
    for group in alerts["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], rule["expr"]


@pytest.mark.parametrize("source", [_of_dashboard, _of_alerts], ids=["dashboard", "alerts"])
def test_every_metric_and_label_that_is_used_is_there(source: object, observed: Observed) -> None:
    scraped = _scraped(observed)
    assert callable(source)
    used = list(source())
    assert len(used) > 10
    for title, expression in used:
        selectors = _SELECTOR.findall(expression)
        assert selectors, title
        for name, matchers in selectors:
            assert name in scraped, f"{title}: there is no {name}"
            for label, how, wanted in _MATCHER.findall(matchers):
                values = wanted.split("|") if how.endswith("~") else [wanted]
                missing = set(values) - scraped[name].get(label, set())
                assert not missing, f"{title}: no {name} has {label} {missing}"


def test_the_calls_are_counted(observed: Observed) -> None:
    admin, inference = observed.pages["admin"], observed.pages["inference"]
    turns = sum(
        "decide" in turn.delays_ms for record in observed.calls for turn in record.turns
    )  # fmt: skip
    ended = [record.call.outcome for record in observed.calls]
    assert "appliance_calls_started_total 2.0" in admin
    for outcome in set(ended):
        line = f'appliance_calls_ended_total{{outcome="{outcome}"}} {ended.count(outcome):.1f}'
        assert line in admin
    assert f'appliance_stage_seconds_count{{stage="decide"}} {turns:.1f}' in admin
    assert 'appliance_stage_seconds_count{stage="transfer"} 1.0' in admin
    for process in ("admin", "controller-1"):
        assert f'appliance_control_link_up{{process="{process}"}} 1.0' in admin
    assert 'appliance_control_link_connects_total{process="controller-1"} 1.0' in admin
    assert "appliance_controllers 1.0" in admin
    recognised = 'appliance_engine_requests_total{kind="recognizer",result="answered"}'
    [line] = [line for line in inference.splitlines() if line.startswith(recognised)]
    assert float(line.split()[-1]) >= 2
