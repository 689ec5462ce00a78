"""Rows in, files out: what is rendered, what is refused, and how it gets onto the disk."""

import re
import stat
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.calls.errors import ConfigurationError
from appliance.storage.phone_store import a1_hash
from appliance.switch.rendering import (
    RENDERED,
    RenderedDid,
    RenderedExtension,
    RenderedTrunk,
    checked_root,
    reload_commands,
    render,
    write,
)
from appliance.switch.rendering_text import cleaned_name, element, gateway_name

DOMAIN = "appliance.local"


def only(files: dict[str, str], folder: str) -> ElementTree.Element:
    (text,) = [text for path, text in files.items() if path.startswith(folder)]
    return ElementTree.fromstring(text)


def test_the_hash_is_that_of_digest_authentication() -> None:
    # The HA1 of the example in RFC 2617, section 3.5.
    assert (
        a1_hash("Mufasa", "testrealm@host.com", "Circle Of Life")
        == "939e7578ed9e3c518a452acee763bce9"
    )


def test_a_user_is_rendered_with_hash_and_context_and_no_password() -> None:
    digest = a1_hash("201", DOMAIN, "secret")
    files = render([RenderedExtension("201", digest, "Ann Lee")], [], [], DOMAIN)
    user = only(files, "directory/rendered")
    params = {p.get("name"): p.get("value") for p in user.iter("param")}
    assert params == {"allow-empty-password": "false", "a1-hash": digest}
    variables = {v.get("name"): v.get("value") for v in user.iter("variable")}
    assert variables["user_context"] == "internal"
    assert variables["effective_caller_id_name"] == "Ann Lee"
    assert variables["outbound_allowed"] == "false"


def test_a_did_leads_to_the_controllers_with_its_hunt_group() -> None:
    files = render([], [], [RenderedDid("+4930123456", ("201", "202"))], DOMAIN)
    extension = ElementTree.fromstring(files["dialplan/rendered/dids.xml"]).find("extension")
    assert extension is not None
    condition = extension.find("condition")
    assert condition is not None
    assert condition.get("expression") == r"^\+?4930123456$"
    assert [a.get("data") for a in condition] == [
        "appliance_did=+4930123456",
        "hunt_group=user/201@appliance.local,user/202@appliance.local",
        "voicemail_mailbox=201",
        "controllers XML appliance",
    ]


def test_emergency_calls_try_every_trunk_that_takes_them_in_order() -> None:
    trunks = [
        RenderedTrunk("one", "a.example"),
        RenderedTrunk("two", "b.example", emergency=False),
        RenderedTrunk("three", "c.example"),
    ]
    route = render([], trunks, [], DOMAIN)["dialplan/rendered/emergency.xml"]
    assert "sofia/gateway/one/${emergency_number}|" in route
    assert "sofia/gateway/three/${emergency_number}" in route
    assert "two" not in route


def test_nothing_goes_out_by_default() -> None:
    files = render([], [RenderedTrunk("one", "a.example")], [], DOMAIN)
    assert "extension" not in files["dialplan/rendered/outbound.xml"]
    assert "node" not in files["acl/rendered/trunks.xml"]


@pytest.mark.parametrize(
    ("extensions", "trunks", "dids"),
    [
        ([RenderedExtension("20a", None)], [], []),
        ([RenderedExtension("201", "not a hash")], [], []),
        ([RenderedExtension("201", None), RenderedExtension("201", None)], [], []),
        ([], [RenderedTrunk("t", "p", addresses=("everybody",))], []),
        ([], [RenderedTrunk("t", "p", outbound_prefixes=(".*",))], []),
        ([], [RenderedTrunk("t", "")], []),
        ([], [RenderedTrunk("t", "p", register=True)], []),
        ([], [], [RenderedDid(".*")]),
        ([], [], [RenderedDid("+49301", ("201,user/999",))]),
        ([], [], [RenderedDid("+49301", ("201",), "../../x")]),
    ],
)
def test_a_row_that_cannot_be_rendered_safely_is_named(
    extensions: list[RenderedExtension], trunks: list[RenderedTrunk], dids: list[RenderedDid]
) -> None:
    with pytest.raises(ConfigurationError):
        render(extensions, trunks, dids, DOMAIN)


def test_a_domain_cannot_add_to_the_dial_string() -> None:
    with pytest.raises(ConfigurationError):
        render([], [], [], "x,user/999@y")


TRAPS = ("$${", "${", "X-PRE-PROCESS", "<!--#", "<include>", "<?xml", "-->", '"/>', "&amp;", "\n")


@given(st.lists(st.sampled_from(TRAPS) | st.text(max_size=8), max_size=6).map("".join))
def test_no_text_means_anything_to_the_preprocessor(text: str) -> None:
    line = element("param", name="n", value=text)
    value = line.split('value="', 1)[1].removesuffix('"/>')
    assert not set(value) & set("<>\"'${}\n\r\x00")
    assert "pre-process" not in value.lower()
    assert "--" not in value
    parsed = ElementTree.fromstring(line).get("value")
    assert parsed is not None
    assert parsed == "".join(c for c in text if c in parsed)


@given(st.text())
def test_names_are_short_printable_and_expand_to_nothing(name: str) -> None:
    cleaned = cleaned_name(name)
    assert len(cleaned) <= 60
    assert cleaned.isprintable()
    assert not set(cleaned) & set('"\\<>{}$')


@given(st.text(min_size=1), st.text(min_size=1))
def test_two_trunks_never_share_a_gateway(one: str, other: str) -> None:
    assert re.fullmatch(r"[a-z0-9-]{1,32}", gateway_name(one))
    if one != other:
        assert gateway_name(one) != gateway_name(other)


def test_writing_says_what_changed_and_removes_what_is_stale(tmp_path: Path) -> None:
    one = render([RenderedExtension("201", None)], [], [], DOMAIN)
    first = write(one, tmp_path)
    assert set(first.changed) == set(one)
    assert not write(one, tmp_path)
    other = render([RenderedExtension("202", None)], [], [], DOMAIN)
    second = write(other, tmp_path)
    assert second.changed == ("directory/rendered/202.xml",)
    assert second.removed == ("directory/rendered/201.xml",)
    left = sorted(path.name for path in (tmp_path / "directory/rendered").iterdir())
    assert left == ["202.xml"]


def test_files_are_not_for_everybody(tmp_path: Path) -> None:
    write(render([], [RenderedTrunk("one", "a.example", password="p")], [], DOMAIN), tmp_path)
    mode = stat.S_IMODE((tmp_path / "sip_profiles/external/rendered/one.xml").stat().st_mode)
    assert mode == 0o640


@pytest.mark.parametrize(
    "path", ["vars.xml", "directory/rendered/../x.xml", "/etc/x.xml", "directory/rendered/x.sh"]
)
def test_nothing_is_written_outside_the_rendered_folders(tmp_path: Path, path: str) -> None:
    with pytest.raises(ConfigurationError):
        write({path: ""}, tmp_path)
    assert not list(tmp_path.rglob("*"))


def test_what_freeswitch_is_told(tmp_path: Path) -> None:
    assert reload_commands(write({}, tmp_path)) == ()
    people = write(render([RenderedExtension("201", None)], [], [], DOMAIN), tmp_path)
    assert reload_commands(people)[0] == "reloadxml"
    trunk = RenderedTrunk("one", "a.example", addresses=("192.0.2.1",))
    changed = write(render([], [trunk], [], DOMAIN), tmp_path)
    assert reload_commands(changed) == (
        "reloadxml",
        "reloadacl",
        "sofia profile external killgw one",
        "sofia profile external rescan",
    )
    assert all((tmp_path / folder).is_dir() for folder in RENDERED)


def test_a_directory_that_freeswitch_does_not_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no freeswitch\.xml"):
        checked_root(tmp_path)
    (tmp_path / "freeswitch.xml").touch()
    assert checked_root(tmp_path) == tmp_path


def test_a_folder_that_takes_no_files_is_named_and_not_a_temporary_file(tmp_path: Path) -> None:
    (tmp_path / "acl").mkdir()
    (tmp_path / "acl" / "rendered").symlink_to("/proc")  # takes no files from anybody
    with pytest.raises(OSError, match="trunks") as raised:
        write({"acl/rendered/trunks.xml": "<include/>"}, tmp_path)
    assert raised.value.filename == str(tmp_path / "acl" / "rendered" / "trunks.xml")
