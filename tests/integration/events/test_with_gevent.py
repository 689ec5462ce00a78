"""In a process that gevent has patched, neither the disk nor the database stops the audio."""

import subprocess
import sys
from pathlib import Path

import pytest

from appliance.storage.database import Database
from tests.integration.events.calls_for_tests import count_events, make_organisation

pytestmark = pytest.mark.postgres

_PROCESS = """
import gevent.monkey
gevent.monkey.patch_all()
import os, sys
from pathlib import Path
import gevent
from gevent.event import Event as Flag
from appliance.calls.events import CallResumed
from appliance.events.log import CallLog, EventLog
from appliance.events.shipper import Shipper
from appliance.storage.database import Database
from appliance.storage.spool import Spool

url, root, organisation = sys.argv[1:]
new_lock = gevent.monkey.get_original("_thread", "allocate_lock")
real_fsync = os.fsync
slow_syncs, went_on = [], []
def slow_fsync(handle):                      # a disk that waits until the audio has gone on
    audio = new_lock()
    audio.acquire()
    slow_syncs.append(audio)
    went_on.append(audio.acquire(timeout=20))
    real_fsync(handle)
os.fsync = slow_fsync

database = Database(url, statement_timeout_s=60)
spool = Spool(Path(root), name="patched")
shipper = Shipper(spool, database)
shipper.start()
ticks, done = [0], Flag()

def tick():                                  # stands for the 20 ms playout
    while not done.wait(0.005):
        ticks[0] += 1
        while slow_syncs:
            slow_syncs.pop().release()

def wait_for_lock():
    with database.transaction() as connection:
        connection.execute("SELECT pg_advisory_xact_lock(20)")

WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 20 AND NOT granted"
ticker = gevent.spawn(tick)
log = CallLog(EventLog(spool), "call", organisation)
for _ in range(300):
    log.record(CallResumed, controller="x", reason="y")
with database.transaction() as connection:   # a query that waits until the audio has gone on
    connection.execute("SELECT pg_advisory_xact_lock(20)")
    waiter = gevent.spawn(wait_for_lock)
    while not connection.execute(WAITING).fetchone()[0]:
        gevent.sleep(0)
    before = ticks[0]
    while ticks[0] < before + 10:
        gevent.sleep(0.005)
waiter.get(timeout=20)
assert shipper.drain(20)
assert shipper.stop()
spool.close(remove=True)
done.set()
ticker.join()
assert went_on and all(went_on), went_on
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
    assert count_events(database, organisation) == 300
    assert list(tmp_path.iterdir()) == []
