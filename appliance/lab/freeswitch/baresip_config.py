"""baresip's files: where it finds its modules, its ports, and its one account."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from appliance.lab.freeswitch.ports import free_port

_RTP_PORTS = 20
_MODULES = ("stdio", "g711", "g722", "aufile", "sndfile")
_MODULE_PATHS = (Path("/usr/lib/baresip/modules"), Path("/usr/local/lib/baresip/modules"))


def find_baresip() -> Path | None:
    """The baresip on PATH, when its modules are where Debian puts them; else None."""
    found = shutil.which("baresip")
    return Path(found) if found and any(path.is_dir() for path in _MODULE_PATHS) else None


@dataclass(frozen=True, slots=True)
class Line:
    """How a phone reaches the switch.

    Attributes:
        server: ``host:port`` of the SIP profile.
        domain: what stands behind the @ of its own address.
        password: registers with it when not empty; a trunk's phone leaves it empty.
        codecs: as baresip names them, the preferred one first: PCMU, PCMA, G722.
    """

    server: str
    domain: str
    password: str = ""
    codecs: str = "PCMU,PCMA"


@dataclass(frozen=True, slots=True)
class Ports:
    """Ports of one phone on 127.0.0.1. ``sip`` and the one after it are taken; ``rtp`` is the first
    of twenty."""

    sip: int
    control: int
    rtp: int


def draw_ports() -> Ports:
    """Ports that are free now.

    Raises:
        OSError: when there are none.
    """
    return Ports(free_port(count=2), free_port(), free_port(count=_RTP_PORTS))


def configuration(work: Path, ports: Ports, rate_hz: int) -> str:
    """The file ``config`` of a phone that lives in ``work``. baresip must be installed."""
    modules = next(path for path in _MODULE_PATHS if path.is_dir())
    lines = [
        f"module_path {modules}",
        *(f"module {name}.so" for name in _MODULES),
        "module_tmp account.so",
        "module_app menu.so",
        "module_app ctrl_tcp.so",
        "net_interface 127.0.0.1",
        f"sip_listen 127.0.0.1:{ports.sip}",
        f"ctrl_tcp_listen 127.0.0.1:{ports.control}",
        f"rtp_ports {ports.rtp}-{ports.rtp + _RTP_PORTS - 1}",
        f"audio_source aufile,{work / 'idle.wav'}",
        f"ausrc_srate {rate_hz}",
        f"auplay_srate {rate_hz}",
        "ausrc_channels 1",
        "auplay_channels 1",
        f"snd_path {work / 'dump'}",
        "jitter_buffer_delay 0-1",
        "statmode_default off",
        "ringback_disabled yes",
        "menu_bell no",
        "call_max_calls 1",
    ]
    return "\n".join(lines) + "\n"


def account(number: str, line: Line, relay_port: int) -> str:
    """The account of a phone whose messages go through the relay at 127.0.0.1:``relay_port``."""
    options = [
        f'outbound="sip:127.0.0.1:{relay_port};transport=udp"',
        f"audio_codecs={line.codecs.replace('G722', 'G722/16000')}",
        "answermode=manual",
    ]
    if line.password:
        options += ["regint=60", f"auth_user={number}", f"auth_pass={line.password}"]
    else:
        options.append("regint=0")
    return f'"{number}" <sip:{number}@{line.domain};transport=udp>;{";".join(options)}'
