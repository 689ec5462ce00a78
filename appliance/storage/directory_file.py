"""The directory file: one organisation written down in YAML by people. Example and rules::

    organisation:
      name: Example Clinic
      id: 4f0c...              # optional UUID; needed only to rename the organisation later
      persona: Front desk      # who answers where a number names nobody; else the first
      timezone: Europe/Berlin  # IANA name; UTC when left out
      operator: Reception      # the person or department for callers who ask for somebody
      emergency: Reception     # who takes emergencies; the operator when left out
    personas:                  # who the appliance is; what is left out is as it comes
      - name: Front desk
        greeting: "Good day, Example Clinic. How can I help?"
        house: the Example Clinic   # the organisation's name as it is spoken
        voice: en-us+f2        # as the model server calls it
        language: en           # what callers speak
        help: "What can I do for you?"
        closed_help: "We are closed. May I take a message?"
        introduction: "I am the clinic's automatic front desk."
        anything_else: "Is there anything else?"
        goodbye: "Goodbye, and get well soon."
    dids:                      # the numbers people dial from outside
      - number: "+4930123450"
        persona: Front desk    # optional, in place of the organisation's
    hours:                     # always open when left out; a weekday left out is closed
      monday: ["09:00-12:30", "13:30-17:00"]
      friday: ["00:00-24:00"]
      exceptions:
        "2026-12-25": []       # closed
        "2026-12-31": ["09:00-12:00"]
    extensions:                # telephones; those named only below cannot register
      - number: "201"
        password: "..."        # kept only as the digest that SIP needs
        voicemail_password: "4711"
        outbound: true         # may call out through trunks
    people:
      - name: Anna Lee
        extension: "201"
        aliases: [doctor lee]
        transfer_mode: attended   # or blind
        ring_timeout_s: 20
    departments:
      - name: Reception
        members: ["202", Anna Lee]   # extensions, or people by name
        aliases: [front desk]
        topics: [appointment]
        hours: {monday: ["09:00-12:00"]}  # in place of the organisation's
    trunks:
      - name: provider
        proxy: sip.provider.example
        username: "30123450"
        password: "..."
        register: true
        addresses: ["192.0.2.0/24"]
        outbound_prefixes: ["+49"]
        emergency: true

Numbers stand in quotes: YAML reads 0201 as 129 and +49 as 49.
"""

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from appliance.calls.errors import ConfigurationError
from appliance.storage.directory_entries import DirectoryFile


def read_directory_file(path: Path) -> DirectoryFile:
    """Read and check a directory file.

    Raises:
        ConfigurationError: naming each entry that is wrong, and the mend.
    """
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506  (a SafeLoader)
    except OSError as error:
        raise ConfigurationError(f"directory file {path}: {error.strerror}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # a 31st of June, say
        raise ConfigurationError(f"directory file {path} is no YAML: {error}") from error
    if not isinstance(data, dict):
        raise ConfigurationError(f"directory file {path}: begin with `organisation:`")
    try:
        return DirectoryFile.model_validate(data)
    except ValidationError as error:
        wrong = [f"  {_place(item['loc'], data)}{_mend(item)}" for item in error.errors()]
        raise ConfigurationError("\n".join([f"directory file {path}:", *wrong])) from None


def _place(location: tuple[int | str, ...], data: Any) -> str:
    """``people[2] "Anna Lee": extension: `` for where pydantic points."""
    words = ""
    for step in location:
        if isinstance(step, int):
            words = f"{words.removesuffix(': ')}[{step + 1}]"
        else:
            words += str(step)
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            data = None
        if isinstance(step, int) and isinstance(data, dict):
            words += f' "{data.get("name") or data.get("number") or "?"}"'
        words += ": "
    return words


def _mend(item: Any) -> str:
    known = {
        "extra_forbidden": "there is no such key; look for a slip of the pen",
        "missing": "is missing",
    }
    return known.get(item["type"]) or str(item["msg"]).removeprefix("Value error, ")


class _Loader(yaml.SafeLoader):
    """YAML without surprises: a key that stands twice is an error, not a silent loss."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        """Build a mapping, and refuse a key that is there twice."""
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key!r} stands there twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)
