"""The private PostgreSQL: its own, reachable, stoppable, and gone with its owner."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from appliance.calls.errors import ConfigurationError
from appliance.storage.private_cluster import PrivateCluster

pytestmark = pytest.mark.postgres


@pytest.fixture
def directory() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="appliance-cluster-"))
    yield path
    shutil.rmtree(path)


def test_data_and_address_stay_over_a_stop_and_a_crash(directory: Path) -> None:
    with PrivateCluster(directory, durable=False) as cluster:
        url = cluster.url
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE kept (n int)")
        for crash in (False, True):
            cluster.stop(immediately=crash)
            with pytest.raises(psycopg.OperationalError):
                psycopg.connect(url, connect_timeout=2)
            assert cluster.start() == url
            with psycopg.connect(url) as connection:
                connection.execute("INSERT INTO kept VALUES (1)")
    with (
        PrivateCluster(directory, durable=False) as again,
        psycopg.connect(again.url) as connection,
    ):
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (2,)


def test_strangers_need_the_password(directory: Path) -> None:
    with PrivateCluster(directory, durable=False) as cluster:
        place = cluster.url.split("@")[1]
        for role in ("appliance_owner:wrong", "postgres:wrong"):
            with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
                psycopg.connect(f"postgresql://{role}@{place}", connect_timeout=2)
        assert directory.stat().st_mode & 0o077 == 0


_OWNER = """
import sys
from pathlib import Path
from appliance.storage.private_cluster import PrivateCluster
cluster = PrivateCluster(Path(sys.argv[1]), durable=False)
cluster.start()
print(cluster.directory, flush=True)
sys.stdin.read()
"""


def test_it_ends_with_the_process_that_started_it(directory: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _OWNER, str(directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline()
        log = directory / "server.log"
        owner.kill()
    with subprocess.Popen(
        ["tail", "-n", "+1", "-F", str(log)], stdout=subprocess.PIPE, text=True
    ) as tail:
        assert tail.stdout is not None
        assert any("database system is shut down" in line for line in tail.stdout)
        tail.kill()


def test_a_directory_out_of_reach_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with pytest.raises(ConfigurationError, match="chmod o\\+x"):
        PrivateCluster(tmp_path / "inner" / "cluster").start()
