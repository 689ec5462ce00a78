"""Every line of every process while calls go on: JSON, named, and without anybody's words."""

from typing import Any

import pytest

from tests.integration.monitoring.conftest import CORRELATION_ID, Observed

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(600)]

# What serves all calls.
_OF_NO_CALL = {
    "appliance.switch.call_server",
    "appliance.switch.base_link",
    "appliance.switch.inbound_link",
    "appliance.switch.esl_link",
}
_OF_A_CALL = {
    "call_started", "turn_taken", "decision_made", "leg_ended", "call_ended"
}  # fmt: skip


def test_every_line_is_an_object_with_time_level_and_event(observed: Observed) -> None:
    assert set(observed.logs) == {"admin", "controller-1", "inference"}
    for process in observed.logs:
        lines = observed.lines(process)
        assert lines, process
        for line in lines:
            assert line["timestamp"].endswith("Z")
            assert line["level"] in ("debug", "info", "warning", "error", "critical")
            assert line["event"]


def test_every_line_said_inside_a_call_names_it(observed: Observed) -> None:
    calls = {record.call.call_id: set[str]() for record in observed.calls}
    for line in observed.lines("controller-1"):
        if line.get("logger") in _OF_NO_CALL or line["event"] == "draining":
            assert "call_id" not in line
        else:
            assert "call_id" in line, line
            calls[line["call_id"]].add(line["event"])
    assert len(calls) == 2
    for said in calls.values():
        assert said >= _OF_A_CALL


def test_every_line_of_a_request_names_it_and_its_call(observed: Observed) -> None:
    requests = [line for line in observed.lines("inference") if line["event"] == "request"]
    assert all(line["correlation_id"] for line in requests)
    of_calls = [line for line in requests if line["path"].startswith("/v1/")]
    known = {record.call.call_id for record in observed.calls}
    named = [line for line in of_calls if "call_id" in line]
    assert {line["call_id"] for line in named} == known
    # The voice speaks its fixed phrases ahead, and the lab listens in: for no call.
    for line in of_calls:
        assert line in named or line["path"] in ("/v1/audio/speech", "/v1/audio/transcriptions")
    for process in ("inference", "admin"):
        [scrape] = [
            line
            for line in observed.lines(process)
            if line.get("correlation_id") == CORRELATION_ID and line["event"] == "request"
        ]
        assert scrape["status"] == 200


def test_no_line_has_words_numbers_or_secrets(observed: Observed) -> None:
    private = set(observed.secrets)
    for record in observed.calls:
        private |= {record.call.caller_number or "", record.call.caller_name or ""}
        private |= {turn.text for turn in record.turns}
        private |= {message.text for message in record.messages}
    private -= {""}
    assert len(private) > 8
    for process in observed.logs:
        for line in observed.lines(process):
            if line["level"] != "debug":
                _has_none_of(private, line)
        for secret in observed.secrets:
            assert all(secret not in line for line in observed.logs[process])


def _has_none_of(private: set[str], line: dict[str, Any]) -> None:
    said = str(line).casefold()
    assert not [words for words in private if words.casefold() in said], line
