"""How a controller does, as it tells itself: a small file beside the events in its spool.

The lock beside it says whether the process lives; this says whether it still does its work, and
what only it can know. It is written anew every few seconds and is worth nothing after a crash, so
it is renamed into place and not forced to the disk.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

_NAME = "vital-signs.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class VitalSigns:
    """One controller at one moment.

    Attributes:
        at: seconds since 1970.
        calls: that it holds.
        link_up: whether its control link to FreeSWITCH is.
        link_connects: how often that was connected, since the process began.
        commands_failed: on the control link, since the process began; refusals by FreeSWITCH of
            what was asked are answers and not among them.
        events_lost: that neither disk nor memory had room for.
    """

    at: float
    calls: int = 0
    link_up: bool = False
    link_connects: int = 0
    commands_failed: int = 0
    events_lost: int = 0


def write_vital_signs(directory: Path, signs: VitalSigns) -> None:
    """Put them into a spool's directory.

    Raises:
        OSError: the disk refuses.
    """
    fresh = directory / f"{_NAME}.tmp"
    fresh.write_text(json.dumps(asdict(signs)))
    fresh.replace(directory / _NAME)


def read_vital_signs(directory: Path) -> VitalSigns | None:
    """Those in a spool's directory; None where there are none that can be read."""
    try:
        found = json.loads((directory / _NAME).read_text())
        return VitalSigns(
            at=float(found["at"]), calls=int(found["calls"]), link_up=bool(found["link_up"]),
            link_connects=int(found["link_connects"]),
            commands_failed=int(found["commands_failed"]), events_lost=int(found["events_lost"]),
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return None
