"""What the admin application is told at its start."""

import ipaddress
import ssl
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from appliance.calls.errors import ConfigurationError
from appliance.decisions.wishes import WishModel

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_OWN_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminConfig:
    """Settings of the admin application; ``AdminSettings`` says what each is for.

    Attributes:
        hosts: served besides this machine's own names; lower case, without ports; ``*``: any.
        secure: browsers reach us over TLS, so cookies are marked and HSTS is sent.
        request_bytes: the largest body of a request.
        wishes: what tries sentences out knows of wishes, as calls do.
        switch_configuration: FreeSWITCH's configuration directory, kept as the set-up says; None
            leaves it alone.
        domain: what phones register in.
        waiting: requests that may wait for the database at once before more are turned away.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    hosts: frozenset[str] = frozenset()
    tls_certificate: str = ""
    tls_key: str = ""
    secure: bool = False
    trusted_proxies: tuple[Network, ...] = ()
    metrics_from: tuple[Network, ...] = (
        ipaddress.ip_network("127.0.0.0/8"),
        ipaddress.ip_network("::1/128"),
    )
    controllers: int = 1
    idle: timedelta = timedelta(hours=12)
    longest: timedelta = timedelta(days=7)
    requests_per_s: float = 100.0
    account_requests_per_s: float = 50.0
    request_bytes: int = 256 * 1024
    database_threads: int = 8
    waiting: int = 400
    switch_host: str = "127.0.0.1"
    switch_port: int = 8021
    switch_password: str = ""
    switch_configuration: Path | None = None
    wishes: WishModel | None = None
    domain: str = "appliance.local"
    inference_url: str = ""
    spool: Path = Path("var/spool")
    recordings: Path = Path("var/recordings")

    def serves(self, host: str) -> bool:
        """Whether the page may be asked for by this name or address."""
        return host in _OWN_NAMES or host in self.hosts or "*" in self.hosts


def networks(setting: str, values: tuple[str, ...]) -> tuple[Network, ...]:
    """Addresses and networks, parsed.

    Raises:
        ConfigurationError: naming the setting and the value.
    """
    try:
        return tuple(ipaddress.ip_network(value) for value in values)
    except ValueError as error:
        raise ConfigurationError(
            f"settings: {setting}: {error}; write addresses or networks such as 10.0.0.0/8"
        ) from error


def tls_context(config: AdminConfig) -> ssl.SSLContext | None:
    """TLS as the settings say; None without a certificate.

    Raises:
        ConfigurationError: one of the two files is missing or is not what it should be.
    """
    if not config.tls_certificate and not config.tls_key:
        return None
    if not config.tls_certificate or not config.tls_key:
        raise ConfigurationError("settings: admin.tls_certificate and admin.tls_key go together")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(config.tls_certificate, config.tls_key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            f"settings: admin.tls_certificate {config.tls_certificate!r} and admin.tls_key "
            f"{config.tls_key!r}: {error.strerror or error}; name two PEM files that fit together"
        ) from error
    return context
