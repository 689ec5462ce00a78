"""What FreeSWITCH should read, made of what the database holds for all organisations."""

from collections import Counter

from appliance.storage.database import Database
from appliance.storage.directory_store import load_directories
from appliance.storage.phone_store import Line, load_lines, load_phones
from appliance.switch.rendering import RenderedDid, RenderedExtension, RenderedTrunk, render


def phone_files(database: Database, domain: str) -> dict[str, str]:
    """Path below the configuration's root to text.

    Args:
        domain: what phones register in.

    Raises:
        StorageError: the database is out of reach.
        ConfigurationError: naming the row that can be rendered in no safe way.
    """
    lines = load_lines(database)
    names = Counter(line.name for line in lines)
    groups = {
        did.number: directory.operator_target.extensions if directory.operator_target else ()
        for directory in load_directories(database)
        for did in directory.dids
    }
    return render(
        [
            RenderedExtension(phone.number, phone.a1_hash, phone.name, phone.outbound)
            for phone in load_phones(database)
        ],
        [_trunk(line, shared=names[line.name] > 1) for line in lines],
        [RenderedDid(number, group) for number, group in groups.items()],
        domain,
    )


def _trunk(line: Line, *, shared: bool) -> RenderedTrunk:
    """A trunk; two organisations may each have one of the same name."""
    name = f"{line.name} {line.organisation_id[:8]}" if shared else line.name
    return RenderedTrunk(
        name, line.proxy, line.realm, line.username, line.password, line.register,
        line.addresses, line.outbound_prefixes, line.emergency,
    )  # fmt: skip
