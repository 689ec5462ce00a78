"""Alert rules: promtool takes them, and each one is tried out."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

RULES = Path(__file__).parents[3] / "monitoring" / "prometheus"


def _promtool(*arguments: str) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian: prometheus)")
    done = subprocess.run([promtool, *arguments], cwd=RULES, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_takes_rules_and_configuration() -> None:
    _promtool("check", "rules", "alerts.yml")
    _promtool("check", "config", "prometheus.yml")


def test_alerts_come_and_stay_away() -> None:
    _promtool("test", "rules", "alerts_test.yml")


def test_every_alert_is_tried_out_and_says_what_to_do() -> None:
    groups = yaml.safe_load((RULES / "alerts.yml").read_text())["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    tried = set(re.findall(r'alertname="(\w+)"', (RULES / "alerts_test.yml").read_text()))
    assert {rule["alert"] for rule in rules} == tried
    for rule in rules:
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert set(rule["annotations"]) == {"summary", "description"}
