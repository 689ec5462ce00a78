"""The operators' page and the API, put together from the settings."""

from collections.abc import Callable
from datetime import timedelta

from appliance.admin import app
from appliance.admin.config import AdminConfig, networks
from appliance.admin.services import Services
from appliance.calls.errors import ConfigurationError
from appliance.settings import Settings
from appliance.storage.database import Database
from appliance.switch.rendering import checked_root
from appliance.wiring.engines import wishes_in_use


def admin(settings: Settings, store: Database) -> Services:
    """What the operators' page and the API work with.

    Raises:
        ConfigurationError: a setting is wrong.
    """
    return app.make_services(admin_config(settings), store)


def admin_config(settings: Settings) -> AdminConfig:
    """The settings, checked.

    Raises:
        ConfigurationError: naming the one that is wrong.
    """
    own, switch = settings.admin, settings.switch
    tls = bool(own.tls_certificate or own.tls_key)
    return AdminConfig(
        host=own.host, port=own.port, hosts=frozenset(name.lower() for name in own.hosts),
        tls_certificate=own.tls_certificate, tls_key=own.tls_key, secure=tls or own.behind_tls,
        trusted_proxies=networks("admin.trusted_proxies", own.trusted_proxies),
        metrics_from=networks("admin.metrics_from", own.metrics_from),
        controllers=own.controllers, idle=timedelta(minutes=own.idle_minutes),
        longest=timedelta(hours=own.longest_hours), requests_per_s=own.requests_per_s,
        account_requests_per_s=own.account_requests_per_s, switch_host=switch.host,
        switch_port=switch.port, switch_password=switch.password, domain=switch.domain,
        inference_url=settings.inference.url, spool=settings.storage.spool,
        recordings=settings.storage.recording_directory,
        switch_configuration=switch.configuration and checked_root(switch.configuration),
        wishes=wishes_in_use(settings),
    )  # fmt: skip


def serve_admin(settings: Settings, ready: Callable[[str], None]) -> None:
    """Serve the operators' page and the API until SIGTERM or SIGINT.

    Args:
        ready: told the address once it listens.

    Raises:
        ConfigurationError: a setting is wrong, or the address is taken.
    """
    config = admin_config(settings)
    if not settings.database_url:
        raise ConfigurationError("no database: set DATABASE_URL=postgresql://user@host/name")
    store = Database(settings.database_url, pool_size=config.database_threads)
    try:
        app.run(app.make_services(config, store), ready)
    except OSError as error:
        raise ConfigurationError(
            f"cannot serve pages at {config.host}:{config.port}: {error.strerror}"
        ) from error
    finally:
        store.close()
