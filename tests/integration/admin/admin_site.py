"""An organisation with accounts of every role, a browser, and the application on a port."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import aiohttp
from argon2 import PasswordHasher

from appliance.admin import accounts
from appliance.admin.passwords import Passwords
from appliance.admin.roles import Role
from appliance.admin.services import Services
from appliance.storage.database import Database
from appliance.storage.models import Organisation

PASSWORD = "a password for tests only"
FAST = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
_HASH = FAST.hash(PASSWORD)


class TestClock:
    """A time of day that only tests move."""

    __test__ = False

    def __init__(self) -> None:
        self.time = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.time

    def advance(self, **parts: float) -> None:
        self.time += timedelta(**parts)


@dataclass
class Tenant:
    """An organisation with one account for each role."""

    organisation_id: UUID
    emails: dict[Role, str] = field(default_factory=dict)
    account_ids: dict[Role, UUID] = field(default_factory=dict)


def make_tenant(database: Database, timezone: str = "UTC") -> Tenant:
    """A new organisation; everybody's password is ``PASSWORD``."""
    tenant = Tenant(uuid4())
    with database.session(tenant.organisation_id) as session:
        session.add(
            Organisation(
                organisation_id=tenant.organisation_id, name="Harbour Clinic", timezone=timezone
            )
        )
        session.flush()
        for role in Role:
            email = f"{role.value}-{tenant.organisation_id.hex[:8]}@example.org"
            account = accounts.add(
                session, tenant.organisation_id, email=email, name=role.value.title(), role=role,
                password_hash=_HASH,
            )  # fmt: skip
            tenant.emails[role], tenant.account_ids[role] = email, account.id
    return tenant


@dataclass
class Browser:
    """Somebody's browser: cookies, no redirects followed, the CSRF token of its last page."""

    http: aiohttp.ClientSession
    url: str
    csrf: str = ""

    async def get(self, path: str, **more: Any) -> "Reply":
        return await self.send("GET", path, **more)

    async def send(self, method: str, path: str, **more: Any) -> "Reply":
        async with self.http.request(
            method, self.url + path, allow_redirects=False, **more
        ) as answer:
            reply = Reply(answer.status, answer.headers, await answer.text())
        marker = '<input type="hidden" name="csrf" value="'
        if marker in reply.text:
            self.csrf = reply.text.split(marker)[1].split('"')[0]
        return reply

    async def form(self, path: str, **fields: Any) -> "Reply":
        """Send a form with the token of the last page."""
        return await self.send("POST", path, data={"csrf": self.csrf, **fields})

    async def sign_in(self, email: str, password: str = PASSWORD) -> "Reply":
        await self.get("/sign-in")
        reply = await self.form("/sign-in", email=email, password=password)
        if reply.status == 303:
            await self.get("/account")
        return reply


@dataclass(frozen=True)
class Reply:
    """An answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    text: str

    def json(self) -> Any:
        return json.loads(self.text)


@dataclass
class Site:
    """A running application."""

    url: str
    services: Services

    @asynccontextmanager
    async def browser(self, **headers: str) -> AsyncIterator[Browser]:
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(cookie_jar=jar, headers=headers) as http:
            yield Browser(http, self.url)

    @asynccontextmanager
    async def program(self, token: str) -> AsyncIterator[Browser]:
        """A program with a token."""
        async with self.browser(Authorization=f"Bearer {token}") as program:
            yield program

    @asynccontextmanager
    async def signed_in(self, email: str) -> AsyncIterator[Browser]:
        async with self.browser() as browser:
            reply = await browser.sign_in(email)
            assert reply.status == 303, reply.text
            yield browser
