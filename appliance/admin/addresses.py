"""Whom a request comes from, and by which name we were asked."""

import ipaddress

from aiohttp import web

from appliance.admin.config import AdminConfig, Network

_FORWARDED = "X-Forwarded-For"
_PASSED_ON = (_FORWARDED, "Forwarded", "X-Real-IP", "X-Forwarded-Host", "X-Forwarded-Proto", "Via")


def client_address(request: web.Request, config: AdminConfig) -> str:
    """The address of who asks: the last one that no trusted proxy has.

    Without trusted proxies the header is what anybody may write, so it is not looked at.
    """
    peer = request.remote or ""
    lines = ",".join(request.headers.getall(_FORWARDED, []))
    hops = [hop.strip() for hop in lines.split(",") if hop.strip()]
    while hops and is_in(peer, config.trusted_proxies):
        peer = hops.pop()
    return peer[:64]


def is_nearby(request: web.Request, address: str, config: AdminConfig) -> bool:
    """Whether the request comes from a network that may read metrics.

    A request that a proxy we do not know passed on is not: it only looks as if it came from here.
    Where a proxy speaks TLS for us and is not named, every request may be one.
    """
    behind_proxy = config.secure and not config.tls_certificate
    passed_on = behind_proxy or any(name in request.headers for name in _PASSED_ON)
    if passed_on and not config.trusted_proxies:
        return False
    return is_in(address, config.metrics_from)


def is_in(address: str, networks: tuple[Network, ...]) -> bool:
    """Whether an address belongs to one of the networks."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return any(parsed in network for network in networks)


def asked_host(request: web.Request) -> str:
    """The name or address in the Host header, lower case and without its port."""
    host = request.headers.get("Host", "").strip().lower()
    if host.startswith("["):
        return host[1:].split("]", 1)[0]
    return host.rsplit(":", 1)[0] if ":" in host else host


def same_origin(request: web.Request) -> bool:
    """Whether a browser says that one of our own pages sent this.

    Browsers send Origin with every unsafe request, and Sec-Fetch-Site where they know it; what is
    not sent is not held against a request, for it also carries a token.
    """
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    return origin.lower().split("://", 1)[-1] == request.headers.get("Host", "").strip().lower()
