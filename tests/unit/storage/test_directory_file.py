"""The directory file: every mistake is named, with its place and its mend."""

from pathlib import Path

import pytest

from appliance.calls.errors import ConfigurationError
from appliance.storage.directory_file import read_directory_file

_HEAD = "organisation: {name: Somewhere}\n"


def _read(tmp_path: Path, text: str) -> None:
    file = tmp_path / "directory.yaml"
    file.write_text(text)
    read_directory_file(file)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "begin with `organisation:`"),
        ("dids: []", "organisation: is missing"),
        ("organisation: {name: [}", "is no YAML"),
        ("organisation: {name: 2026-06-31}", "is no YAML"),
        ("organisation: {name: 1" + "0" * 5000 + "}", "is no YAML"),
        ("[" * 5000, "is no YAML"),
        (_HEAD + "people: [{name: A, extension: '201'}]\npeople: []", "stands there twice"),
        ("organisation: {name: A, timezone: Berlin}", "write a name like Europe/Berlin"),
        ("organisation: {name: A, operator: Bob}", "no person or department has that name"),
        ("organisation: {name: A, colour: red}", "organisation: colour: there is no such key"),
        (
            _HEAD + "people: [{name: Ann, extension: 0201}]",
            'people[1] "Ann": extension: write it in',
        ),
        (_HEAD + "people: [{name: Ann, extension: '2x'}]", "write 2 to 8 digits"),
        (_HEAD + "people: [{name: ' ', extension: '201'}]", "write a name, on one line"),
        (_HEAD + 'people: [{name: "a\\nb", extension: "201"}]', "write a name, on one line"),
        (_HEAD + "people: [{name: A, extension: '201', ring_timeout_s: 0}]", "ring_timeout_s"),
        (_HEAD + "people: [{name: A, extension: '201', transfer_mode: warm}]", "transfer_mode"),
        (_HEAD + "dids: [{number: +493012}]", "write it in quotes"),
        (_HEAD + "dids: [{number: 'sip:1'}]", "2 to 15 digits"),
        (_HEAD + "dids: [{number: '+4930'}, {number: '4930'}]", "stands there twice"),
        (_HEAD + "hours: {monday: ['9-17']}", 'write a span like "09:00-17:30"'),
        (_HEAD + "hours: {monday: ['17:00-09:00']}", "ends before it begins"),
        (_HEAD + "hours: {monday: ['09:00-12:00', '11:00-13:00']}", "overlap"),
        (_HEAD + "hours: {mondays: []}", "hours: mondays: there is no such key"),
        (_HEAD + "hours: {exceptions: {'2026-13-01': []}}", "exceptions"),
        (_HEAD + "departments: [{name: D, members: [Nobody]}]", "member 'Nobody' is neither"),
        (_HEAD + "departments: [{name: D, members: []}]", 'departments[1] "D": members'),
        (_HEAD + "extensions: [{number: '201', password: 1234}]", "write it in quotes"),
    ],
)
def test_a_mistake_is_named_with_its_mend(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        _read(tmp_path, text)
    assert says in str(raised.value)
    assert "directory.yaml" in str(raised.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="No such file"):
        read_directory_file(tmp_path / "none.yaml")
