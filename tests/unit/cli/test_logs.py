"""What processes log: JSON, named by call and request, without words, secrets or locals.

Logging is set up for a whole process, so a process of its own says everything there is to test.
"""

import json
import subprocess
import sys
from typing import Any

import pytest

_PROGRAM = """
import logging, threading
import gevent, structlog
from appliance.cli.logs import configure_logs, log_failed_greenlets
from appliance.switch.call_channel import CallChannel

configure_logs("INFO")
log_failed_greenlets()
log, plain = structlog.get_logger(), logging.getLogger("appliance.somewhere")

log.info("one", name="Bob\\nInjected: yes")
plain.warning("two of %s", "Bob\\nInjected: yes")
log.debug("not told")
plain.debug("not told")
logging.getLogger("library").info("not told")
logging.getLogger("library").warning("three")

def fails(password):
    raise ValueError("no")

for one in (log, plain):
    try:
        fails("hunter2")
    except ValueError:
        one.exception("failed")

class Channel(CallChannel):
    def __init__(self):
        self._receive_events_greenlet = gevent.spawn(self.read)
    def read(self):
        gevent.sleep(0)
        plain.warning("reader")

def session(call_id):
    channel = Channel()
    channel.log_as(call_id)
    log.info("session")
    channel._receive_events_greenlet.join()
    gevent.spawn(lambda: gevent.spawn(log.info, "grandchild").join()).join()

def acceptor():
    gevent.joinall([gevent.spawn(session, name) for name in ("call-1", "call-2")])
    log.info("acceptor")

gevent.spawn(acceptor).join()
gevent.spawn(fails, "hunter2").join()
thread = threading.Thread(target=fails, args=("hunter2",), name="shipper")
thread.start()
thread.join()
fails("hunter2")
"""
Line = dict[str, Any]


@pytest.fixture(scope="module")
def lines() -> list[Line]:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], capture_output=True, text=True, timeout=120
    )
    assert "hunter2" not in done.stderr
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_both_ways_of_logging_give_one_json_object_a_line(lines: list[Line]) -> None:
    assert [line["event"] for line in lines[:3]] == ["one", "two of Bob\nInjected: yes", "three"]
    assert [line["level"] for line in lines[:3]] == ["info", "warning", "warning"]
    assert all(line["timestamp"].endswith("Z") for line in lines)
    assert lines[1]["logger"] == "appliance.somewhere"
    assert all(line["event"] != "not told" for line in lines)


def test_tracebacks_have_no_values_of_variables(lines: list[Line]) -> None:
    failed = [line for line in lines if line["event"] == "failed"]
    assert len(failed) == 2
    for line in failed:
        [failure] = line["exception"]
        assert (failure["exc_type"], failure["frames"][-1]["name"]) == ("ValueError", "fails")


def test_whatever_ends_a_greenlet_a_thread_or_the_process_is_logged(lines: list[Line]) -> None:
    greenlet, thread, process = lines[-3:]
    assert (greenlet["event"], thread["event"]) == ("greenlet_failed", "thread_failed")
    assert process["event"] == "process_failed"
    assert greenlet["greenlet"].startswith("Greenlet-")
    assert thread["thread"] == "shipper"
    assert {line["exception"][0]["exc_type"] for line in lines[-3:]} == {"ValueError"}


def test_all_greenlets_that_a_call_starts_name_it(lines: list[Line]) -> None:
    for call in ("call-1", "call-2"):
        said = {line["event"] for line in lines if line.get("call_id") == call}
        assert said == {"session", "reader", "grandchild"}
    [acceptor] = [line for line in lines if line["event"] == "acceptor"]
    assert "call_id" not in acceptor
