"""Signing in: passwords, codes, lock-out on a clock that tests move, sessions, CSRF."""

from collections.abc import Callable
from typing import Any

import pyotp
import pytest
from sqlalchemy import select, update

from appliance.admin.roles import Role
from appliance.admin.signing_in import make_link
from appliance.calls.errors import ConfigurationError
from appliance.storage.admin_models import Account, AuditEntry, BrowserSession
from appliance.storage.database import Database
from tests.integration.admin.admin_site import PASSWORD, Browser, Site, Tenant, TestClock

pytestmark = pytest.mark.postgres
OnSite = Callable[..., None]
_NEW = "several words that are new"


def _actions(database: Database, tenant: Tenant) -> list[str]:
    with database.session(tenant.organisation_id) as session:
        return list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))


def test_one_signs_in_looks_around_and_signs_out(
    on_site: OnSite, tenant: Tenant, database: Database
) -> None:
    async def check(site: Site) -> None:
        async with site.browser() as browser:
            asked = await browser.get("/calls?number=49")
            assert asked.headers["Location"] == "/sign-in?next=/calls?number%3D49"
            await browser.get(asked.headers["Location"])
            reply = await browser.form(
                "/sign-in", email=tenant.emails[Role.OWNER].upper(), password=PASSWORD,
                next="/calls?number=49",
            )  # fmt: skip
            assert (reply.status, reply.headers["Location"]) == (303, "/calls?number=49")
            assert (await browser.get("/calls")).status == 200
            assert (await browser.form("/sign-out")).status == 303
            assert (await browser.get("/calls")).status == 303

    on_site(check)
    assert _actions(database, tenant) == ["sign_in", "sign_out"]


def test_cookies_and_headers_keep_others_out(on_site: OnSite, tenant: Tenant) -> None:
    async def check(site: Site) -> None:
        async with site.browser() as browser:
            await browser.get("/sign-in")
            reply = await browser.form(
                "/sign-in", email=tenant.emails[Role.OWNER], password=PASSWORD
            )
            cookie = reply.headers["Set-Cookie"]
            assert "HttpOnly" in cookie
            assert "SameSite=Lax" in cookie
            policy = reply.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert reply.headers["X-Content-Type-Options"] == "nosniff"
            assert reply.headers["Cache-Control"] == "no-store"

    on_site(check)


def test_behind_tls_cookies_are_for_this_host_alone(on_site: OnSite, tenant: Tenant) -> None:
    async def check(site: Site) -> None:
        async with site.browser() as browser:
            reply = await browser.get("/sign-in")
            assert reply.headers["Set-Cookie"].startswith("__Host-appliance_visitor=")
            assert "Secure" in reply.headers["Set-Cookie"]
            assert reply.headers["Strict-Transport-Security"]

    on_site(check, secure=True)


@pytest.mark.parametrize("email", ["known", "nobody@example.org"])
def test_a_wrong_password_and_an_unknown_address_look_the_same(
    on_site: OnSite, tenant: Tenant, email: str
) -> None:
    async def check(site: Site) -> None:
        async with site.browser() as browser:
            who = tenant.emails[Role.OWNER] if email == "known" else email
            reply = await browser.sign_in(who, "wrong password")
            assert reply.status == 422
            assert "That address or password is wrong." in reply.text
            assert "wrong password" not in reply.text
            assert (await browser.get("/calls")).status == 303

    on_site(check)


def test_lock_out_grows_and_passes(
    on_site: OnSite, tenant: Tenant, clock: TestClock, database: Database
) -> None:
    owner = tenant.emails[Role.OWNER]

    async def check(site: Site) -> None:
        async with site.browser() as browser:
            for _ in range(6):
                assert (await browser.sign_in(owner, "wrong password")).status == 422
            locked = await browser.sign_in(owner)
            assert locked.status == 429
            assert "Try again in 15 seconds" in locked.text
            clock.advance(seconds=16)
            assert (await browser.sign_in(owner, "wrong password")).status == 422
            clock.advance(seconds=16)
            assert (await browser.sign_in(owner)).status == 429
            clock.advance(seconds=15)
            assert (await browser.sign_in(owner)).status == 303
        async with site.browser() as browser:
            assert (await browser.sign_in(owner, "wrong password")).status == 422
            assert (await browser.sign_in(owner)).status == 303

    on_site(check)
    assert _actions(database, tenant).count("sign_in.refused") == 8


def test_an_address_is_locked_out_over_many_accounts(on_site: OnSite, tenant: Tenant) -> None:
    async def check(site: Site) -> None:
        async with site.browser() as browser:
            statuses = [
                (await browser.sign_in(f"guess{n}@example.org", "wrong password")).status
                for n in range(40)
            ]
            assert statuses.count(422) <= 31
            assert statuses[-1] == 429

    on_site(check)


async def _turn_on(browser: Browser, clock: TestClock) -> str:
    page = await browser.get("/account")
    secret = page.text.split('name="secret" value="')[1].split('"')[0]
    picture = page.text.split('<div class="qr"')[1].split("</div>")[0]
    assert "<svg" in picture
    assert "style=" not in picture  # the pages' policy lets none through
    code = pyotp.TOTP(secret).at(clock())
    reply = await browser.form(
        "/account/second-factor", secret=secret, code=code, password=PASSWORD
    )
    assert reply.status == 303
    return secret


def test_a_second_factor_is_asked_for_and_its_codes_work_once(
    on_site: OnSite, tenant: Tenant, clock: TestClock
) -> None:
    owner = tenant.emails[Role.OWNER]

    async def check(site: Site) -> None:
        async with site.signed_in(owner) as browser:
            secret = await _turn_on(browser, clock)
        async with site.browser() as browser:
            await browser.get("/sign-in")
            reply = await browser.form("/sign-in", email=owner, password=PASSWORD, next="/calls")
            assert reply.headers["Location"] == "/sign-in?next=/calls"
            assert (await browser.get("/calls")).status == 303
            assert (await browser.get("/api/v1/calls")).status == 401
            page = await browser.get(reply.headers["Location"])
            assert "Six digits" in page.text
            used = pyotp.TOTP(secret).at(clock())
            assert (await browser.form("/sign-in/code", code=used)).status == 422
            clock.advance(seconds=30)
            code = pyotp.TOTP(secret).at(clock())
            reply = await browser.form("/sign-in/code", code=code, next="/calls")
            assert (reply.status, reply.headers["Location"]) == (303, "/calls")
            assert (await browser.get("/calls")).status == 200
        async with site.browser() as browser:
            await browser.sign_in(owner)
            await browser.get("/sign-in")
            assert (await browser.form("/sign-in/code", code=code)).status == 422

    on_site(check)


def test_codes_cannot_be_guessed_for_long(
    on_site: OnSite, tenant: Tenant, clock: TestClock
) -> None:
    owner = tenant.emails[Role.OWNER]

    async def check(site: Site) -> None:
        async with site.signed_in(owner) as browser:
            await _turn_on(browser, clock)
        async with site.browser() as browser:
            await browser.sign_in(owner)
            await browser.get("/sign-in")
            statuses = [
                (await browser.form("/sign-in/code", code=f"{n:06d}")).status for n in range(8)
            ]
            assert 429 in statuses

    on_site(check)


def test_a_new_password_ends_the_other_sessions(on_site: OnSite, tenant: Tenant) -> None:
    owner = tenant.emails[Role.OWNER]

    async def check(site: Site) -> None:
        async with site.signed_in(owner) as mine, site.signed_in(owner) as other:
            fields = {"new_password": _NEW, "new_password_again": _NEW}
            wrong = await mine.form("/account/password", old_password="no", **fields)
            assert wrong.status == 422
            assert "That is not your password." in wrong.text
            differs = await mine.form(
                "/account/password", old_password=PASSWORD, new_password=_NEW,
                new_password_again="other",
            )  # fmt: skip
            assert "The two are not the same." in differs.text
            assert (
                await mine.form("/account/password", old_password=PASSWORD, **fields)
            ).status == 303
            assert "Your password is changed" in (await mine.get("/account")).text
            assert (await other.get("/account")).status == 303
        async with site.browser() as browser:
            assert (await browser.sign_in(owner)).status == 422
            assert (await browser.sign_in(owner, _NEW)).status == 303

    on_site(check)


def test_sessions_are_listed_and_ended(on_site: OnSite, tenant: Tenant) -> None:
    owner = tenant.emails[Role.OWNER]

    async def check(site: Site) -> None:
        async with site.signed_in(owner) as mine, site.signed_in(owner) as other:
            page = (await mine.get("/account")).text
            action = page.split('action="/account/sessions/')[2].split('"')[0]
            assert (await mine.form(f"/account/sessions/{action}")).status == 303
            assert (await other.get("/account")).status == 303
            assert (await mine.get("/account")).status == 200
            async with site.signed_in(owner) as third:
                assert (await mine.form("/account/sessions/end-others")).status == 303
                assert (await third.get("/account")).status == 303

    on_site(check)


def test_sessions_end_by_themselves(
    on_site: OnSite, tenant: Tenant, clock: TestClock, database: Database
) -> None:
    owner = tenant.emails[Role.OWNER]

    async def check(site: Site) -> None:
        async with site.signed_in(owner) as browser:
            clock.advance(hours=11)
            assert (await browser.get("/account")).status == 200
            clock.advance(hours=11)
            assert (await browser.get("/account")).status == 200
            clock.advance(hours=12)
            assert (await browser.get("/account")).status == 303
        async with site.signed_in(owner) as browser:
            for _ in range(15):
                clock.advance(hours=11)
                assert (await browser.get("/account")).status == 200
            clock.advance(hours=4)
            assert (await browser.get("/account")).status == 303

    on_site(check)


def test_who_is_disabled_is_out_at_once(
    on_site: OnSite, tenant: Tenant, database: Database
) -> None:
    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.AUDITOR]) as browser:
            with database.session(tenant.organisation_id) as session:
                session.execute(
                    update(Account)
                    .where(Account.id == tenant.account_ids[Role.AUDITOR])
                    .values(disabled=True)
                )
            assert (await browser.get("/calls")).status == 303
            assert (await browser.sign_in(tenant.emails[Role.AUDITOR])).status == 422

    on_site(check)


def test_a_link_signs_in_once_and_for_ten_minutes(
    on_site: OnSite, tenant: Tenant, database: Database, clock: TestClock
) -> None:
    first, late = (make_link(database, tenant.emails[Role.OWNER], clock()) for _ in range(2))

    async def check(site: Site) -> None:
        async with site.browser() as browser, site.browser() as another:
            assert (await browser.get(first)).headers["Location"] == "/"
            assert (await browser.get("/account")).status == 200
            again = await another.get(first)
            assert again.headers["Location"] == "/sign-in?notice=link"
            assert "was used" in (await another.get(again.headers["Location"])).text
            clock.advance(minutes=10)
            assert (await another.get(late)).headers["Location"] == "/sign-in?notice=link"
            assert (await another.get("/account")).status == 303
            assert (await browser.get("/account")).status == 200

    on_site(check)
    assert _actions(database, tenant) == ["sign_in.by_link"]
    with pytest.raises(ConfigurationError, match="nobody has the address"):
        make_link(database, "nobody@example.org", clock())


def test_a_link_is_no_cookie_and_a_cookie_is_no_link(
    on_site: OnSite, tenant: Tenant, database: Database, clock: TestClock
) -> None:
    link = make_link(database, tenant.emails[Role.OWNER], clock())

    async def check(site: Site) -> None:
        async with site.browser() as browser, site.browser() as another:
            key = link.rpartition("/")[2]
            cookie = {"Cookie": f"appliance_session={key}"}
            assert (await another.get("/account", headers=cookie)).status == 303
            await browser.get(link)
            own = {one.key: one.value for one in browser.http.cookie_jar}["appliance_session"]
            again = await another.get(f"/sign-in/with/{own}")
            assert again.headers["Location"] == "/sign-in?notice=link"
            assert (await browser.get("/account")).status == 200

    on_site(check)
    assert _actions(database, tenant) == ["sign_in.by_link"]


_FORMS: list[tuple[str, dict[str, Any]]] = [
    ("/sign-out", {}),
    ("/account/password", {"old_password": PASSWORD, "new_password": _NEW}),
    ("/account/sessions/end-others", {}),
]


@pytest.mark.parametrize(("path", "fields"), _FORMS)
@pytest.mark.parametrize("csrf", ["", "wrong", None])
def test_a_form_of_another_page_is_refused(
    on_site: OnSite, tenant: Tenant, path: str, fields: dict[str, Any], csrf: str | None
) -> None:
    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.OWNER]) as browser:
            data = fields if csrf is None else {**fields, "csrf": csrf}
            assert (await browser.send("POST", path, data=data)).status == 403
            assert (await browser.get("/account")).status == 200

    on_site(check)


def test_the_right_token_from_another_site_is_refused(on_site: OnSite, tenant: Tenant) -> None:
    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.OWNER]) as browser:
            for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
                reply = await browser.send(
                    "POST", "/sign-out", data={"csrf": browser.csrf}, headers=headers
                )
                assert reply.status == 403
            own = {"Origin": site.url, "Sec-Fetch-Site": "same-origin"}
            reply = await browser.send(
                "POST", "/sign-out", data={"csrf": browser.csrf}, headers=own
            )
            assert reply.status == 303

    on_site(check)


def test_a_sign_in_needs_a_token_of_this_browser(on_site: OnSite, tenant: Tenant) -> None:
    async def check(site: Site) -> None:
        fields = {"email": tenant.emails[Role.OWNER], "password": PASSWORD}
        async with site.browser() as browser:
            assert (await browser.send("POST", "/sign-in", data=fields)).status == 403
        async with site.browser() as one, site.browser() as another:
            await one.get("/sign-in")
            await another.get("/sign-in")
            data = {**fields, "csrf": one.csrf}
            assert (await another.send("POST", "/sign-in", data=data)).status == 403

    on_site(check)


def test_the_database_holds_no_secret_that_opens(
    on_site: OnSite, tenant: Tenant, database: Database
) -> None:
    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.OWNER]) as browser:
            cookies = {cookie.value for cookie in browser.http.cookie_jar}
            with database.session(tenant.organisation_id) as session:
                kept = session.execute(select(BrowserSession.token_hash)).scalars().all()
                hashes = session.scalars(select(Account.password_hash)).all()
            assert all(len(item) == 32 for item in kept)
            assert all(item.startswith("$argon2id$") for item in hashes)
            assert not any(item.hex() in cookie for item in kept for cookie in cookies)

    on_site(check)
