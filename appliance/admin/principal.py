"""Who asks: somebody who signed in with a browser, a program with a token, or nobody we know."""

from dataclasses import dataclass, field
from uuid import UUID

from appliance.admin.roles import ROLE_PERMISSIONS, Permission, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Somebody we know.

    Attributes:
        via: ``session`` or ``token``; what the audit log calls it.
        credential_id: of the session or the token.
        account_id: the account that signed in, or that made the token.
        name: for people: the account's name, or the token's.
        permissions: what may be done; a token never has more than its account's role.
        person_id: the person of the directory who this is, if any.
        timezone: the organisation's, for showing times.
        confirmed: False between the password and the code of a second factor.
        csrf: what unsafe requests of a session have to repeat; empty for tokens.
        totp: whether the account has a second factor.
    """

    organisation_id: UUID
    organisation: str
    timezone: str
    via: str
    credential_id: UUID
    account_id: UUID
    name: str
    email: str
    role: Role
    permissions: frozenset[Permission] = field(default_factory=frozenset)
    person_id: UUID | None = None
    confirmed: bool = True
    csrf: str = ""
    totp: bool = False

    @property
    def key(self) -> str:
        """Names the credential in stores, such as ``token:`` and its id."""
        return f"{self.via}:{self.credential_id}"

    def may(self, permission: Permission) -> bool:
        """Whether this is allowed."""
        return self.confirmed and permission in self.permissions


def permissions_of(role: Role, scopes: list[str] | None = None) -> frozenset[Permission]:
    """What a role may do; with a token's scopes, what of that the token may do."""
    allowed = ROLE_PERMISSIONS[role]
    if scopes is None:
        return allowed
    return allowed & {Permission(scope) for scope in scopes if scope in set(Permission)}
