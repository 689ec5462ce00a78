"""Around every request: host, limits, health, metrics, errors, TLS, and a database that is away."""

import asyncio
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import aiohttp
import pytest
from yarl import URL

from appliance.admin.app import create_app, make_services
from appliance.admin.config import AdminConfig, networks, tls_context
from appliance.admin.plain import alive
from appliance.admin.roles import Role
from appliance.admin.route_table import all_routes
from appliance.admin.routing import RouteError
from appliance.calls.errors import ConfigurationError
from appliance.storage.database import Database
from appliance.storage.spool import Spool
from tests.integration.admin.admin_site import FAST, Site, Tenant

pytestmark = pytest.mark.postgres
OnSite = Callable[..., None]


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "", "localhost.evil.example"])
def test_another_host_is_not_served(on_site: OnSite, host: str) -> None:
    async def check(site: Site) -> None:
        async with site.browser() as browser:
            reply = await browser.get("/sign-in", headers={"Host": host})
            assert reply.status in (400, 421)

    on_site(check)


def test_a_host_is_known_whatever_its_port_and_case(on_site: OnSite) -> None:
    """The names of this machine itself need not be set: a local look at /readyz always works."""

    async def check(site: Site) -> None:
        async with site.browser() as browser:
            for host in ("LOCALHOST:99", "[::1]:8080", "127.0.0.1", "Front.example:8080"):
                assert (await browser.get("/healthz", headers={"Host": host})).status == 200

    on_site(check, hosts=frozenset({"front.example"}))


def test_an_address_that_asks_too_often_waits(on_site: OnSite) -> None:
    async def check(site: Site) -> None:
        async with site.browser() as browser:
            replies = [await browser.get("/healthz") for _ in range(8)]
            assert replies[-1].status == 429
            assert int(replies[-1].headers["Retry-After"]) >= 1

    on_site(check, requests_per_s=1.0)


def test_an_account_that_asks_too_often_waits(on_site: OnSite, tenant: Tenant) -> None:
    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.OWNER]) as browser:
            replies = [await browser.get("/api/v1/calls") for _ in range(8)]
            assert [reply.status for reply in replies].count(429) >= 2

    on_site(check, account_requests_per_s=1.0)


def test_forwarded_addresses_are_believed_from_trusted_proxies_alone(on_site: OnSite) -> None:
    headers = {"X-Forwarded-For": "203.0.113.9"}

    async def untrusted(site: Site) -> None:
        async with site.browser() as browser:
            # A proxy that we do not know passed it on: it does not come from nearby.
            assert (await browser.get("/metrics", headers=headers)).status == 401
            assert (await browser.get("/metrics")).status == 200

    async def trusted(site: Site) -> None:
        async with site.browser() as browser:
            assert (await browser.get("/metrics", headers=headers)).status == 401
            near = {"X-Forwarded-For": "203.0.113.9, 127.0.0.9"}
            assert (await browser.get("/metrics", headers=near)).status == 200

    on_site(untrusted)
    on_site(trusted, trusted_proxies=networks("x", ("127.0.0.1/32",)))


def test_health_says_what_is_wrong_in_words(on_site: OnSite, tmp_path: Path) -> None:
    async def check(site: Site) -> None:
        async with site.browser() as browser:
            assert (await browser.get("/healthz")).json() == {"status": "ok"}
            head = await browser.send("HEAD", "/healthz")
            assert (head.status, head.text) == (200, "")
            reply = await browser.get("/readyz")
            assert reply.status == 503
            parts = {part["name"]: part for part in reply.json()["parts"]}
            assert parts["database"]["state"] == "ok"
            assert "password" in parts["switch"]["words"]
            assert "No model server" in parts["inference"]["words"]
            assert "No controller runs here" in parts["controllers"]["words"]
            assert parts["spool"]["state"] == "ok"

    on_site(check)


def test_only_those_nearby_are_told_details(on_site: OnSite) -> None:
    async def check(site: Site) -> None:
        async with site.browser() as browser:
            assert (await browser.get("/readyz")).json() == {"ready": False}
            assert (await browser.get("/metrics")).status == 401

    on_site(check, metrics_from=())


def test_a_controller_is_seen_by_its_spool(
    on_site: OnSite, config: AdminConfig, tmp_path: Path
) -> None:
    spool = Spool(tmp_path / "spool", name="controller-1")
    spool.append(b'{"event": 1}\n')

    async def check(site: Site) -> None:
        async with site.browser() as browser:
            text = (await browser.get("/metrics")).text
            assert "appliance_controllers 1.0" in text
            assert "appliance_spool_waiting_bytes 13.0" in text
            parts = {p["name"]: p for p in (await browser.get("/readyz")).json()["parts"]}
            assert parts["controllers"]["words"] == "Running: controller-1."

    try:
        on_site(check)
    finally:
        spool.close(remove=True)


def test_metrics_count_requests_by_route(on_site: OnSite) -> None:
    async def check(site: Site) -> None:
        async with site.browser() as browser:
            await browser.get("/healthz")
            text = (await browser.get("/metrics")).text
            wanted = 'appliance_admin_requests_total{method="GET",route="healthz",status="200"} 1.0'
            assert wanted in text

    on_site(check)


def test_static_files_are_kept_for_good_under_their_version(on_site: OnSite) -> None:
    async def check(site: Site) -> None:
        async with site.browser() as browser:
            page = (await browser.get("/sign-in")).text
            address = page.split('<link rel="stylesheet" href="')[1].split('"')[0]
            reply = await browser.get(address)
            assert "immutable" in reply.headers["Cache-Control"]
            assert reply.headers["Content-Type"].startswith("text/css")
            old = await browser.get("/static/old/style.css")
            assert (old.status, old.headers["Cache-Control"]) == (200, "no-cache")
            assert (await browser.get("/static/old/app.py")).status == 404

    on_site(check)


def test_pages_are_light(on_site: OnSite, tenant: Tenant) -> None:
    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.OWNER]) as browser:
            tags = {route.tag for route in all_routes() if route.tag}
            documents = [str(URL("/api-docs").with_query(tag=tag)) for tag in sorted(tags)]
            for path in ("/calls", "/account", "/api-docs", *documents):
                page = await browser.get(path)
                weight = len(page.text.encode())
                for mark in ('href="/static/', 'src="/static/'):
                    for piece in set(page.text.split(mark)[1:]):
                        name = piece.split('"')[0].split("#")[0]
                        file = await browser.get(f"/static/{name}")
                        weight += len(file.text.encode())
                assert weight < 100_000, path

    on_site(check)


def test_without_the_database_pages_say_so(on_site: OnSite) -> None:
    away = Database("postgresql://nobody@127.0.0.1:9/nothing", connect_timeout_s=1)
    cookie = f"{uuid4().hex}.{'a' * 43}"

    async def check(site: Site) -> None:
        site.services.threads.database = away
        async with site.browser(Cookie=f"appliance_session={cookie}") as browser:
            reply = await browser.get("/calls")
            assert reply.status == 503
            assert "The database is out of reach" in reply.text
            assert "Retry-After" in reply.headers
            api = await browser.get("/api/v1/calls")
            assert (api.status, api.json()["type"]) == (503, "urn:appliance:problem:database-away")
            assert (await browser.get("/healthz")).status == 200

    on_site(check)
    away.close()


def test_a_route_without_a_rule_keeps_the_application_from_starting(
    database: Database, config: AdminConfig
) -> None:
    async def main() -> None:
        services = make_services(config, database, passwords=FAST)
        app = create_app(services)
        app.router.add_get("/open", alive)  # type: ignore[arg-type]
        runner = aiohttp.web.AppRunner(app)
        with pytest.raises(RouteError, match="/open was registered without a rule"):
            await runner.setup()
        await runner.cleanup()
        services.threads.close()

    asyncio.run(main())


def test_tls_by_settings(on_site: OnSite, tmp_path: Path) -> None:
    certificate, key = tmp_path / "tls.pem", tmp_path / "tls.key"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-subj", "/CN=localhost", "-days", "1", "-out", str(certificate),
            "-keyout", str(key),
        ],
        check=True, capture_output=True,
    )  # fmt: skip

    async def check(site: Site) -> None:
        assert site.url.startswith("https://")
        trust = ssl.create_default_context(cafile=str(certificate))
        trust.check_hostname = False
        async with site.browser() as browser:
            assert (await browser.get("/healthz", ssl=trust)).status == 200

    on_site(check, tls_certificate=str(certificate), tls_key=str(key), secure=True)


def test_tls_files_that_do_not_do_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="go together"):
        tls_context(AdminConfig(tls_key="x"))
    with pytest.raises(ConfigurationError, match=r"missing\.pem"):
        tls_context(AdminConfig(tls_certificate=str(tmp_path / "missing.pem"), tls_key="x"))
    with pytest.raises(ConfigurationError, match=r"admin\.hosts"):
        networks("admin.hosts", ("10.0.0.1/8",))
