"""In a process that gevent has patched, neither the disk nor the database stops the audio."""

import subprocess
import sys
from pathlib import Path

import pytest

from appliance.events.reader import count_events
from appliance.storage.database import Database
from tests.integration.events.calls_for_tests import make_organisation

pytestmark = pytest.mark.postgres

_PROCESS = """
import gevent.monkey
gevent.monkey.patch_all()
import os, sys, threading, time
from pathlib import Path
import gevent
from gevent.event import Event as Flag
from appliance.calls.events import CallResumed
from appliance.events.log import CallLog, EventLog
from appliance.events.shipper import Shipper
from appliance.storage.database import Database
from appliance.storage.spool import Spool

url, root, organisation = sys.argv[1:]
real_fsync = os.fsync
slow_syncs = []
def slow_fsync(handle):                      # a disk that takes its time
    gevent.monkey.get_original("time", "sleep")(0.15)
    slow_syncs.append(handle)
    real_fsync(handle)
os.fsync = slow_fsync

database = Database(url)
spool = Spool(Path(root), name="patched")
shipper = Shipper(spool, database)
shipper.start()
worst, done = [0.0], Flag()

def tick():                                  # stands for the 20 ms playout
    last = time.perf_counter()
    while not done.wait(0.005):
        now = time.perf_counter()
        worst[0] = max(worst[0], now - last - 0.005)
        last = now

def wait_for_database():
    with database.transaction() as connection:
        connection.execute("SELECT pg_sleep(0.5)")

ticker, waiter = gevent.spawn(tick), gevent.spawn(wait_for_database)
log = CallLog(EventLog(spool), "call", organisation)
for _ in range(300):
    log.record(CallResumed, controller="x", reason="y")
waiter.get(timeout=10)
assert shipper.drain(10)
assert shipper.stop()
spool.close(remove=True)
done.set()
ticker.join()
assert slow_syncs
print(f"{worst[0] * 1000:.1f}")
"""


def test_audio_goes_on_while_disk_and_database_are_slow(
    database: Database, postgres_url: str, tmp_path: Path
) -> None:
    organisation = make_organisation(database)
    done = subprocess.run(
        [sys.executable, "-c", _PROCESS, postgres_url, str(tmp_path), organisation],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    # Well below the 150 ms of one sync and the 500 ms of the query, also on a busy machine.
    assert float(done.stdout.splitlines()[-1]) < 100
    assert count_events(database, organisation) == 300
    assert list(tmp_path.iterdir()) == []
