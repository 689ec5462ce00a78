"""Alert rules and the dashboard: promtool takes them, and each rule is tried out."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

MONITORING = Path(__file__).parents[3] / "monitoring"
RULES = MONITORING / "prometheus"


def _promtool(*arguments: str) -> None:
    kept = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "appliance"
    promtool = shutil.which("promtool") or shutil.which(kept / "promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian: prometheus)")
    done = subprocess.run([promtool, *arguments], cwd=RULES, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_takes_rules_and_configuration() -> None:
    _promtool("check", "rules", "alerts.yml")
    _promtool("check", "config", "prometheus.yml")


def test_promtool_takes_what_the_dashboard_asks(tmp_path: Path) -> None:
    panels = json.loads((MONITORING / "grafana" / "appliance.json").read_text())["panels"]
    asked = [target["expr"] for panel in panels for target in panel.get("targets", ())]
    assert len(asked) > 40
    rules = [
        {"record": f"asked:{number}", "expr": expression.replace("$__rate_interval", "1m")}
        for number, expression in enumerate(asked)
    ]
    file = tmp_path / "asked.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    _promtool("check", "rules", str(file))


def test_panels_lie_beside_each_other() -> None:
    panels = json.loads((MONITORING / "grafana" / "appliance.json").read_text())["panels"]
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells
    assert len({panel["id"] for panel in panels}) == len(panels)


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
