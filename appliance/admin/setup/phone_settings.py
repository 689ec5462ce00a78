"""What is typed into a telephone so that it registers, as FreeSWITCH itself knows it."""

import ipaddress
from dataclasses import dataclass

from appliance.admin.services import Services
from appliance.calls.errors import SwitchError

_USUAL_PORT = "5060"
_PATIENCE_S = 2.0


@dataclass(frozen=True, slots=True)
class PhoneSettings:
    """The same for every phone; ``server`` is empty where FreeSWITCH cannot be asked."""

    server: str
    port: str
    domain: str
    transport: str = "UDP"


async def phone_settings(services: Services) -> PhoneSettings:
    """Ask FreeSWITCH where it listens for phones."""
    domain = services.config.domain
    try:
        server = await services.switch.api("global_getvar sip_ip", _PATIENCE_S)
        port = await services.switch.api("global_getvar internal_port", _PATIENCE_S)
        ipaddress.ip_address(server)
    except (SwitchError, ValueError):
        return PhoneSettings("", _USUAL_PORT, domain)
    return PhoneSettings(server, port if port.isdigit() else _USUAL_PORT, domain)
