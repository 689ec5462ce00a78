"""Secrets that are handed out: the cookie of a session, an API token. Kept only as hashes.

Both carry their organisation in the open, so that the database is asked as that organisation from
the first look on; a wrong one finds nothing.
"""

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from uuid import UUID

_SECRET_BYTES = 32
_COOKIE = re.compile(r"([0-9a-f]{32})\.([A-Za-z0-9_-]{43})")
_TOKEN = re.compile(r"apl_([0-9a-f]{32})_([A-Za-z0-9_-]{43})")


@dataclass(frozen=True, slots=True)
class Credential:
    """A secret and whose organisation it opens. Its ``repr`` does not tell the secret."""

    organisation_id: UUID
    secret: str

    def __repr__(self) -> str:
        return f"Credential({self.organisation_id}, ...)"

    @property
    def token_hash(self) -> bytes:
        """What the database keeps. The secret is random and long, so no slow hash is needed."""
        return hashlib.sha256(self.secret.encode()).digest()

    @property
    def link_hash(self) -> bytes:
        """What the database keeps of a link that signs in: such a link's secret is no cookie, and
        no cookie's secret is such a link.
        """
        return hashlib.sha256(b"link:" + self.secret.encode()).digest()

    @property
    def csrf(self) -> str:
        """What forms repeat; tells nothing about the secret."""
        return csrf_of(self.secret)

    def as_cookie(self) -> str:
        """For a browser."""
        return f"{self.organisation_id.hex}.{self.secret}"

    def as_token(self) -> str:
        """For a program; the prefix lets scanners of leaked secrets find it."""
        return f"apl_{self.organisation_id.hex}_{self.secret}"


def fresh_secret() -> str:
    """43 characters that nobody guesses (32 random bytes)."""
    return base64.urlsafe_b64encode(secrets.token_bytes(_SECRET_BYTES)).decode().rstrip("=")


def fresh_credential(organisation_id: UUID) -> Credential:
    """A new one."""
    return Credential(organisation_id, fresh_secret())


def from_cookie(text: str) -> Credential | None:
    """What a cookie holds; None when it is none of ours."""
    return _parsed(_COOKIE, text)


def from_token(text: str) -> Credential | None:
    """What a bearer token holds; None when it is none of ours."""
    return _parsed(_TOKEN, text)


def csrf_of(secret: str) -> str:
    """The token that forms of this browser repeat."""
    digest = hmac.new(secret.encode(), b"appliance csrf", hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def same(given: str, expected: str) -> bool:
    """Compare in constant time; two empty ones are not the same."""
    return bool(expected) and hmac.compare_digest(given.encode(), expected.encode())


def _parsed(pattern: re.Pattern[str], text: str) -> Credential | None:
    match = pattern.fullmatch(text)
    return Credential(UUID(match[1]), match[2]) if match else None
