"""Pulling from a hub's mirror, a web folder, a stick; broken connections, wrong and huge files."""

import errno
import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.inference.store.catalogue import Catalogue
from appliance.inference.store.errors import (
    ChecksumError,
    DiskFullError,
    ModelStoreError,
    TransferError,
)
from appliance.inference.store.pulling import Pulled, Surroundings, pull
from appliance.inference.store.sources import source_for
from appliance.inference.store.verifying import verify
from tests.integration.inference_store.conftest import Watch, manifest_of
from tests.integration.inference_store.mirrors import Mirror, serving

WEIGHTS = os.urandom(1_500_000)
NOTES = b"what it was trained on\n"
GGUF = "/somebody/little-gguf/resolve/main/q4/little.gguf"
TEXT = "/somebody/little-gguf/resolve/main/notes.txt"


@pytest.fixture
def hub(mirror: Mirror) -> Mirror:
    mirror.files |= {GGUF: WEIGHTS, TEXT: NOTES}
    return mirror


def pulled(
    catalogue: Catalogue, around: Surroundings, mirror: str | None = None, place: str | None = None
) -> Pulled:
    model = catalogue.known("little")
    with catalogue.changing():
        return pull(catalogue, model, source_for(model, mirror, place), around)


def test_a_model_comes_from_a_mirror_of_the_hub(
    catalogue: Catalogue, around: Surroundings, hub: Mirror, watch: Watch
) -> None:
    done = pulled(catalogue, around, hub.url)
    assert done == Pulled(("little.gguf", "notes.txt"), ())
    assert (catalogue.folder("little") / "little.gguf").read_bytes() == WEIGHTS
    locked = catalogue.locked()["little"]
    assert locked.files["little.gguf"].sha256 == hashlib.sha256(WEIGHTS).hexdigest()
    assert locked.files["little.gguf"].vouched == "server"
    assert catalogue.find("little").model == str(catalogue.folder("little") / "little.gguf")
    assert watch.there == len(WEIGHTS) + len(NOTES)
    assert watch.begun[0] == ("little/little.gguf", len(WEIGHTS))
    assert not catalogue.partial("little").exists()


def test_the_hubs_token_goes_to_no_mirror(
    catalogue: Catalogue, around: Surroundings, hub: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    pulled(catalogue, around, hub.url)
    assert hub.asked
    assert {authorization for *_, authorization in hub.asked} == {None}


def test_what_is_here_and_whole_is_not_fetched_again(
    catalogue: Catalogue, around: Surroundings, hub: Mirror
) -> None:
    pulled(catalogue, around, hub.url)
    asked = len(hub.asked)
    assert pulled(catalogue, around, hub.url) == Pulled((), ())
    assert len(hub.asked) == asked


@pytest.mark.parametrize("breaks", [[700_000], [700_000, 300_000, 1], [0, 10]])
def test_a_broken_connection_is_gone_on_with(
    catalogue: Catalogue, around: Surroundings, hub: Mirror, watch: Watch, breaks: list[int]
) -> None:
    hub.breaks = list(breaks)
    pulled(catalogue, around, hub.url)
    assert (catalogue.folder("little") / "little.gguf").read_bytes() == WEIGHTS
    assert len(watch.waits) == len(breaks)
    first, *others = hub.gets(GGUF)
    assert first is None
    got = 0
    for part, came in zip(others, breaks, strict=True):
        got += came
        assert part == (f"bytes={got}-" if got else None)
    assert watch.there == len(WEIGHTS) + len(NOTES)


def test_a_pull_that_gave_up_goes_on_with_the_next_command(
    catalogue: Catalogue, around: Surroundings, hub: Mirror
) -> None:
    hub.breaks = [600_000, 0, 0, 0, 0]
    with pytest.raises(TransferError, match="run the command again") as gave_up:
        pulled(catalogue, around, hub.url)
    assert gave_up.value.retryable
    assert "little" not in catalogue.locked()
    hub.breaks = []
    hub.asked.clear()
    pulled(catalogue, around, hub.url)
    assert hub.gets(GGUF) == ["bytes=600000-"]
    assert (catalogue.folder("little") / "little.gguf").read_bytes() == WEIGHTS


def test_a_server_without_ranges_starts_over(
    catalogue: Catalogue, around: Surroundings, hub: Mirror, watch: Watch
) -> None:
    hub.breaks, hub.ranges = [700_000], False
    pulled(catalogue, around, hub.url)
    assert (catalogue.folder("little") / "little.gguf").read_bytes() == WEIGHTS
    assert watch.there == len(WEIGHTS) + len(NOTES)


def test_halves_of_two_versions_are_never_joined(
    catalogue: Catalogue, around: Surroundings, hub: Mirror
) -> None:
    hub.tells = False  # nobody says beforehand what the file is
    hub.breaks = [700_000, 0, 0, 0, 0]
    with pytest.raises(TransferError):
        pulled(catalogue, around, hub.url)
    hub.breaks = []
    hub.files[GGUF] = newer = os.urandom(1_500_000)
    pulled(catalogue, around, hub.url)
    assert (catalogue.folder("little") / "little.gguf").read_bytes() == newer


def test_a_redirect_is_followed_without_the_token(
    tmp_path: Path, around: Surroundings, hub: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(Mirror(files={"/elsewhere": WEIGHTS})) as store:
        hub.redirects[GGUF] = f"{store.url}/elsewhere"
        monkeypatch.setenv("HF_TOKEN", "hf_secret")
        catalogue = Catalogue(tmp_path, manifest_of())
        pulled(catalogue, around, hub.url)
        assert ("GET", "/elsewhere", None, None) in store.asked
    assert (catalogue.folder("little") / "little.gguf").read_bytes() == WEIGHTS


def test_a_wrong_checksum_is_refused_and_nothing_of_it_stays(
    tmp_path: Path, around: Surroundings, hub: Mirror
) -> None:
    files = [{"path": "q4/little.gguf", "sha256": hashlib.sha256(b"other").hexdigest()}]
    catalogue = Catalogue(tmp_path, manifest_of(files=files))
    with pytest.raises(ChecksumError, match=r"should have .* \(manifest\)"):
        pulled(catalogue, around, hub.url)
    assert not catalogue.locked()
    assert not list(tmp_path.rglob("*.gguf*"))


def test_a_half_that_was_damaged_is_fetched_whole_once_more(
    tmp_path: Path, around: Surroundings, hub: Mirror, watch: Watch
) -> None:
    files = [{"path": "q4/little.gguf", "sha256": hashlib.sha256(WEIGHTS).hexdigest()}]
    catalogue = Catalogue(tmp_path, manifest_of(files=files))
    partial = catalogue.partial("little")
    partial.mkdir(parents=True)
    (partial / "little.gguf.part").write_bytes(b"x" * 1000)
    pulled(catalogue, around, hub.url)
    assert hub.gets(GGUF) == ["bytes=1000-", None]
    assert catalogue.locked()["little"].files["little.gguf"].vouched == "manifest"
    assert watch.there == len(WEIGHTS)


def test_the_size_of_the_manifest_counts(tmp_path: Path, around: Surroundings, hub: Mirror) -> None:
    catalogue = Catalogue(tmp_path, manifest_of(files=[{"path": "q4/little.gguf", "size": 1000}]))
    with pytest.raises(ChecksumError, match="1500000 bytes at its source and 1000"):
        pulled(catalogue, around, hub.url)
    hub.tells = False
    with pytest.raises(ChecksumError, match="larger than the 1000 bytes"):
        pulled(catalogue, around, hub.url)


def test_what_nobody_vouches_for_is_recorded_and_held_to(
    catalogue: Catalogue, around: Surroundings, hub: Mirror
) -> None:
    hub.tells = False
    done = pulled(catalogue, around, hub.url)
    assert done.trusted == ("little.gguf", "notes.txt")
    (catalogue.folder("little") / "little.gguf").unlink()
    hub.files[GGUF] = os.urandom(1_500_000)
    with pytest.raises(ChecksumError, match="first download"):
        pulled(catalogue, around, hub.url)
    hub.files[GGUF] = WEIGHTS
    assert pulled(catalogue, around, hub.url).fetched == ("little.gguf",)
    assert (catalogue.folder("little") / "notes.txt").read_bytes() == NOTES


def test_a_damaged_file_is_found_and_only_it_is_fetched(
    catalogue: Catalogue, around: Surroundings, hub: Mirror
) -> None:
    pulled(catalogue, around, hub.url)
    damaged = bytearray(WEIGHTS)
    damaged[77] ^= 1
    (catalogue.folder("little") / "little.gguf").write_bytes(damaged)
    (catalogue.folder("little") / "extra").write_text("?")
    (finding,) = verify(catalogue, ["little"])
    assert [line.split()[0] for line in finding.wrong] == ["little.gguf", "extra"]
    assert pulled(catalogue, around, hub.url).fetched == ("little.gguf",)
    (finding,) = verify(catalogue, ["little"])
    assert not finding.wrong


def test_room_is_looked_for_first(catalogue: Catalogue, around: Surroundings, hub: Mirror) -> None:
    small = replace(around, free_bytes=lambda _: 257_000_000)
    with pytest.raises(DiskFullError, match=r"little takes 2 more MB .* 257 MB free"):
        pulled(catalogue, small, hub.url)
    assert not hub.gets(GGUF)


def test_a_disk_that_fills_up_keeps_what_came(
    catalogue: Catalogue, around: Surroundings, hub: Mirror
) -> None:
    written = 0

    def write(handle: int, data: bytes) -> int:
        nonlocal written
        if written > 500_000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written += len(data)
        return os.write(handle, data)

    with pytest.raises(DiskFullError, match="Make room"):
        pulled(catalogue, replace(around, write=write), hub.url)
    pulled(catalogue, around, hub.url)
    assert hub.gets(GGUF)[-1] == f"bytes={written}-"
    assert (catalogue.folder("little") / "little.gguf").read_bytes() == WEIGHTS


def test_a_file_that_is_not_there_is_named(
    catalogue: Catalogue, around: Surroundings, hub: Mirror
) -> None:
    del hub.files[TEXT]
    with pytest.raises(ModelStoreError, match=r"notes\.txt: no such file"):
        pulled(catalogue, around, hub.url)


def test_a_mirror_that_is_out_of_reach_is_named(catalogue: Catalogue, around: Surroundings) -> None:
    with pytest.raises(TransferError, match=r"127\.0\.0\.1:9"):
        pulled(catalogue, around, "http://127.0.0.1:9")


def test_a_web_folder_and_a_stick_have_a_folder_for_each_model(
    tmp_path: Path, around: Surroundings, mirror: Mirror
) -> None:
    mirror.files |= {"/models/little/little.gguf": WEIGHTS, "/models/little/notes.txt": NOTES}
    web = Catalogue(tmp_path / "web", manifest_of())
    pulled(web, around, place=f"{mirror.url}/models/")
    stick = Catalogue(tmp_path / "stick", manifest_of())
    pulled(stick, around, place=str(web.directory))
    again = Catalogue(tmp_path / "again", manifest_of())
    pulled(again, around, place=f"file://{stick.directory}")
    assert (again.folder("little") / "little.gguf").read_bytes() == WEIGHTS


def test_a_model_of_ones_own_web_server(
    tmp_path: Path, around: Surroundings, mirror: Mirror
) -> None:
    mirror.files |= {"/a/q4/little.gguf": WEIGHTS, "/a/notes.txt": NOTES}
    catalogue = Catalogue(tmp_path, manifest_of(source={"url": f"{mirror.url}/a"}))
    assert pulled(catalogue, around).fetched == ("little.gguf", "notes.txt")


def test_a_link_on_a_stick_is_not_followed(
    tmp_path: Path, catalogue: Catalogue, around: Surroundings
) -> None:
    stick = tmp_path / "stick"
    (stick / "little").mkdir(parents=True)
    secret = tmp_path / "secret"
    secret.write_text("secret")
    (stick / "little" / "little.gguf").symlink_to(secret)
    with pytest.raises(ModelStoreError, match="is a link"):
        pulled(catalogue, around, place=str(stick))
    with pytest.raises(ModelStoreError, match="stick mounted"):
        pulled(catalogue, around, place=str(tmp_path / "nothing"))


def test_without_a_version_halves_of_an_unknown_file_are_not_joined(
    catalogue: Catalogue, around: Surroundings, hub: Mirror
) -> None:
    hub.tells = hub.tags = False
    hub.breaks = [700_000]
    pulled(catalogue, around, hub.url)
    assert hub.gets(GGUF) == [None, None]
    assert (catalogue.folder("little") / "little.gguf").read_bytes() == WEIGHTS


def test_a_choice_does_not_wait_for_a_pull(catalogue: Catalogue) -> None:
    with catalogue.changing(), catalogue.choosing():
        pass
    with (
        catalogue.choosing(),
        pytest.raises(ModelStoreError, match=r"another .* is choosing"),
        catalogue.choosing(),
    ):
        pass


def test_one_command_at_a_time(catalogue: Catalogue) -> None:
    with (
        catalogue.changing(),
        pytest.raises(ModelStoreError, match="another"),
        catalogue.changing(),
    ):
        pass
    with catalogue.changing():
        pass


def test_what_the_hub_says_beside_a_redirect_is_held_to(
    tmp_path: Path, around: Surroundings, hub: Mirror
) -> None:
    hub.files["/stored"] = WEIGHTS
    hub.redirects = {GGUF: "/stored"}
    hub.linked = {"X-Linked-Etag": f'"{hashlib.sha256(WEIGHTS).hexdigest()}"', "X-Linked-Size": "9"}
    catalogue = Catalogue(tmp_path, manifest_of())
    with pytest.raises(ChecksumError, match="larger than the 9 bytes"):
        pulled(catalogue, around, hub.url)
    hub.linked["X-Linked-Size"] = str(len(WEIGHTS))
    pulled(catalogue, around, hub.url)
    assert catalogue.locked()["little"].files["little.gguf"].vouched == "server"
    hub.linked["X-Linked-Etag"] = "f" * 64
    other = Catalogue(tmp_path / "other", manifest_of())
    with pytest.raises(ChecksumError, match="should have ffff"):
        pulled(other, around, hub.url)


def test_a_renamed_repository_is_found(
    catalogue: Catalogue, around: Surroundings, hub: Mirror
) -> None:
    hub.files["/new/name/little.gguf"] = WEIGHTS
    hub.redirects = {GGUF: "/new/name/little.gguf"}
    pulled(catalogue, around, hub.url)
    assert catalogue.locked()["little"].files["little.gguf"].vouched == "server"
