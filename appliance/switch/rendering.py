"""People, trunks and DIDs as the XML files that FreeSWITCH includes.

:func:`render` is pure: rows in, file texts out. :func:`write` puts them below the configuration's
root and says what changed; :func:`reload_commands` says what to tell FreeSWITCH then. Once the
files are written, phones register and emergency calls go out without any process of ours.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path, PurePosixPath

from appliance.calls.directory import DID_NUMBER, checked_extension
from appliance.calls.errors import ConfigurationError
from appliance.storage.whole_files import write_whole
from appliance.switch.rendering_text import cleaned_name, element, gateway_name

USERS = "directory/rendered"
GATEWAYS = "sip_profiles/external/rendered"
NETWORKS = "acl/rendered"
DIALPLAN = "dialplan/rendered"
RENDERED = (USERS, GATEWAYS, NETWORKS, DIALPLAN)

_PREFIX = re.compile(r"\+?[0-9]{1,12}|\+")
_HASH = re.compile(r"[0-9a-f]{32}")
OUTBOUND_CALLS_PER_PHONE = 2
"""Calls that one phone may have through trunks at a time: what a stolen password is worth."""

EMERGENCY_PATIENCE_S = 6
"""How long a trunk may be dumb about an emergency call before the next one is tried."""


@dataclass(frozen=True, slots=True)
class RenderedExtension:
    """An internal number.

    Attributes:
        number: 2 to 8 digits; also the name that the phone registers with.
        a1_hash: see `appliance.storage.phone_store.a1_hash`; None when no phone may register.
        name: shown on the phones it calls; hostile text is cleaned.
        outbound: whether this phone may call out through trunks at all.
    """

    number: str
    a1_hash: str | None
    name: str = ""
    outbound: bool = False


@dataclass(frozen=True, slots=True)
class RenderedTrunk:
    """A provider's line.

    Attributes:
        name: free text; the gateway's name is made of it.
        proxy: the provider's host, or host:port.
        addresses: networks that the provider calls from, such as ``192.0.2.0/24``; without any,
            nothing comes in.
        outbound_prefixes: what phones may dial through it; nothing by default.
        emergency: whether emergency calls may go over it. Trunks are tried in the given order.
    """

    name: str
    proxy: str
    realm: str = ""
    username: str = ""
    password: str = ""
    register: bool = False
    addresses: tuple[str, ...] = ()
    outbound_prefixes: tuple[str, ...] = ()
    emergency: bool = True


@dataclass(frozen=True, slots=True)
class RenderedDid:
    """A number dialled from outside.

    Attributes:
        hunt_group: extensions that ring together when no controller takes the call.
        mailbox: extension whose voicemail gets the message then; the first of the group if empty.
    """

    number: str
    hunt_group: tuple[str, ...] = ()
    mailbox: str = ""


@dataclass(frozen=True, slots=True)
class Written:
    """What :func:`write` did: paths below the root, with forward slashes."""

    changed: tuple[str, ...]
    removed: tuple[str, ...]

    def __bool__(self) -> bool:
        """Whether FreeSWITCH has anything to reload."""
        return bool(self.changed or self.removed)


def render(
    extensions: Sequence[RenderedExtension],
    trunks: Sequence[RenderedTrunk],
    dids: Sequence[RenderedDid],
    domain: str,
) -> dict[str, str]:
    """All files of the rendered folders: path below the configuration's root to text.

    Raises:
        ConfigurationError: naming the row that can be rendered in no safe way.
    """
    files = {f"{USERS}/{item.number}.xml": _user(item) for item in extensions}
    names = {gateway_name(trunk.name) for trunk in trunks}
    if len(names) != len(trunks) or len(files) != len(extensions):
        raise ConfigurationError("two trunks or two extensions have the same name: rename one")
    for trunk in trunks:
        files[f"{GATEWAYS}/{gateway_name(trunk.name)}.xml"] = _gateway(trunk)
    files[f"{NETWORKS}/trunks.xml"] = _networks(trunks)
    files[f"{DIALPLAN}/dids.xml"] = _dids(dids, domain)
    files[f"{DIALPLAN}/outbound.xml"] = _outbound(trunks)
    files[f"{DIALPLAN}/emergency.xml"] = _emergency(trunks)
    return files


def checked_root(root: Path) -> Path:
    """The directory, where it is one that FreeSWITCH is configured by.

    Raises:
        ConfigurationError: it is another, or is not ours to read.
    """
    try:
        there = (root / "freeswitch.xml").is_file()
    except OSError as error:
        raise ConfigurationError(f"FreeSWITCH's configuration {root}: {error.strerror}") from error
    if not there:
        raise ConfigurationError(
            f"FreeSWITCH's configuration {root}: there is no freeswitch.xml in it; "
            "put a copy of freeswitch-conf there, or name another directory"
        )
    return root


def write(files: Mapping[str, str], root: Path) -> Written:
    """Make the rendered folders below ``root`` hold exactly ``files``; each appears whole or not.

    Files are readable by their group only (0640): a trunk's password is in them.

    Raises:
        ConfigurationError: when a path leads out of the rendered folders.
        OSError: when the disk refuses; it names the file.
    """
    for path in files:
        pure = PurePosixPath(path)
        if str(pure.parent) not in RENDERED or pure.suffix != ".xml":
            raise ConfigurationError(f"rendered file {path!r}: it would lie outside {RENDERED}")
    changed = tuple(path for path in sorted(files) if _replace(root / path, files[path]))
    removed: list[str] = []
    for folder in RENDERED:
        for stale in sorted((root / folder).glob("*.xml")):
            if (path := f"{folder}/{stale.name}") not in files:
                stale.unlink()
                removed.append(path)
    return Written(changed, tuple(removed))


def reload_commands(written: Written) -> tuple[str, ...]:
    """What FreeSWITCH has to be told after :func:`write`, in this order; nothing when unchanged.

    A gateway that changed is taken down first: rescanning alone keeps the old one.
    """
    if not written:
        return ()
    touched = (*written.changed, *written.removed)
    gateways = [PurePosixPath(path).stem for path in touched if path.startswith(GATEWAYS)]
    commands = ["reloadxml"]
    if any(path.startswith(NETWORKS) for path in touched):
        commands.append("reloadacl")
    commands += [f"sofia profile external killgw {name}" for name in gateways]
    if gateways:
        commands.append("sofia profile external rescan")
    return tuple(commands)


def _replace(target: Path, text: str) -> bool:
    """Write a file in one step; False when it already says so."""
    target.parent.mkdir(parents=True, exist_ok=True)
    data = text.encode()
    if target.is_file() and target.read_bytes() == data:
        return False
    write_whole(target, data)
    return True


def _fragment(lines: Sequence[str]) -> str:
    return "\n".join(["<include>", *(f"  {line}" for line in lines), "</include>", ""])


def _user(extension: RenderedExtension) -> str:
    number = checked_extension(extension.number)
    params = [element("param", name="allow-empty-password", value="false")]
    if extension.a1_hash is not None:
        if not _HASH.fullmatch(extension.a1_hash):
            raise ConfigurationError(f"extension {number}: its a1_hash is not an MD5 in hex")
        params.append(element("param", name="a1-hash", value=extension.a1_hash))
    variables = {
        "user_context": "internal",
        "effective_caller_id_name": cleaned_name(extension.name) or number,
        "effective_caller_id_number": number,
        "outbound_allowed": "true" if extension.outbound else "false",
    }
    return _fragment(
        [
            f'<user id="{number}">',
            "  <params>",
            *(f"    {line}" for line in params),
            "  </params>",
            "  <variables>",
            *(f"    {element('variable', name=k, value=v)}" for k, v in variables.items()),
            "  </variables>",
            "</user>",
        ]
    )


def _gateway(trunk: RenderedTrunk) -> str:
    if not trunk.proxy or (trunk.register and not (trunk.username and trunk.password)):
        raise ConfigurationError(
            f"trunk {trunk.name!r}: it needs a proxy, and to register a username and a password"
        )
    params = {
        "proxy": trunk.proxy,
        "realm": trunk.realm or trunk.proxy,
        "username": trunk.username or "appliance",
        "password": trunk.password,
        "register": "true" if trunk.register else "false",
        "extension": "auto_to_user",
        "caller-id-in-from": "false" if trunk.register else "true",
        "context": "public",
        # No "ping": FreeSWITCH would refuse to use a provider that does not answer OPTIONS, and
        # an emergency call must at least be tried.
    }
    return _fragment(
        [
            f'<gateway name="{gateway_name(trunk.name)}">',
            *(f"  {element('param', name=k, value=v)}" for k, v in params.items()),
            "</gateway>",
        ]
    )


def _networks(trunks: Sequence[RenderedTrunk]) -> str:
    lines: list[str] = []
    for trunk in trunks:
        for address in trunk.addresses:
            try:
                network = ip_network(address, strict=False)
            except ValueError as error:
                raise ConfigurationError(
                    f"trunk {trunk.name!r}: {address!r} is no network; write 192.0.2.0/24"
                ) from error
            lines.append(element("node", type="allow", cidr=str(network)))
    return _fragment(lines)


def _dids(dids: Sequence[RenderedDid], domain: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9.-]{1,253}", domain):
        raise ConfigurationError(f"domain {domain!r}: letters, digits, dots and hyphens only")
    lines: list[str] = []
    for did in dids:
        if not DID_NUMBER.fullmatch(did.number):
            raise ConfigurationError(f"DID {did.number!r}: write up to 15 digits, + in front")
        digits = did.number.removeprefix("+")
        group = [checked_extension(number) for number in did.hunt_group]
        mailbox = checked_extension(did.mailbox) if did.mailbox else (group[0] if group else "")
        variables = {
            "appliance_did": did.number,
            "hunt_group": ",".join(f"user/{number}@{domain}" for number in group),
            "voicemail_mailbox": mailbox,
        }
        lines += [
            f'<extension name="did {digits}">',
            # The dialplan's expression is a regular expression, and + is the only sign in it.
            f'  <condition field="destination_number" expression="^\\+?{digits}$">',
            *(f"    {_action('set', f'{name}={value}')}" for name, value in variables.items()),
            f"    {_action('transfer', 'controllers XML appliance')}",
            "  </condition>",
            "</extension>",
        ]
    return _fragment(lines)


def _outbound(trunks: Sequence[RenderedTrunk]) -> str:
    lines: list[str] = []
    for trunk in trunks:
        for prefix in trunk.outbound_prefixes:
            if not _PREFIX.fullmatch(prefix):
                raise ConfigurationError(f"trunk {trunk.name!r}: prefix {prefix!r}: digits only")
        if not trunk.outbound_prefixes:
            continue
        name = gateway_name(trunk.name)
        allowed = "|".join(prefix.replace("+", "\\+") for prefix in trunk.outbound_prefixes)
        lines += [
            f'<extension name="outbound {name}">',
            '  <condition field="${outbound_allowed}" expression="^true$"/>',
            # Dialled by the phone itself: a leg that somebody else transfers here brings its own
            # permission along, not that of whoever sends it.
            '  <condition field="${transfer_source}" expression="^$"/>',
            f'  <condition field="destination_number" expression="^((?:{allowed})\\d{{2,15}})$">',
            f"    {_limit()}",
            f"    {_action('set', 'hangup_after_bridge=true')}",
            f"    {_action('bridge', f'sofia/gateway/{name}/$1')}",
            "  </condition>",
            "</extension>",
        ]
    return _fragment(lines)


def _emergency(trunks: Sequence[RenderedTrunk]) -> str:
    names = [gateway_name(trunk.name) for trunk in trunks if trunk.emergency]
    route = "|".join(
        f"[leg_progress_timeout={EMERGENCY_PATIENCE_S}]sofia/gateway/{name}/${{emergency_number}}"
        for name in names
    )
    return _fragment([_action("bridge", route)] if names else [])


def _action(application: str, data: str) -> str:
    """A dialplan action whose data is ours: digits, names made by us, FreeSWITCH's variables."""
    return f'<action application="{application}" data="{data}"/>'


def _limit() -> str:
    return _action(
        "limit", f"hash outbound ${{user_name}} {OUTBOUND_CALLS_PER_PHONE} !CALL_REJECTED"
    )
