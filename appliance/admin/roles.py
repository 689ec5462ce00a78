"""Who may do what: five roles, and the permissions that are also the scopes of API tokens."""

from collections.abc import Mapping
from enum import StrEnum


class Permission(StrEnum):
    """Something that can be allowed. ``subject:verb``; an API token's scopes are some of these."""

    CALLS_READ = "calls:read"
    RECORDINGS_READ = "recordings:read"
    CALLS_ANNOTATE = "calls:annotate"
    CALLS_EXPORT = "calls:export"
    LIVE_READ = "live:read"
    LIVE_ANSWER = "live:answer"
    LIVE_ACT = "live:act"
    ORIGINATE = "calls:originate"
    EVENTS_READ = "events:read"
    SETUP_READ = "setup:read"
    SETUP_WRITE = "setup:write"
    FIGURES_READ = "figures:read"
    HEALTH_READ = "health:read"
    ACCOUNTS_MANAGE = "accounts:manage"
    TOKENS_MANAGE = "tokens:manage"
    AUDIT_READ = "audit:read"


class Role(StrEnum):
    """What an account is for. Each line of ``ROLE_PERMISSIONS`` says what it may do."""

    OWNER = "owner"
    ADMINISTRATOR = "administrator"
    SUPERVISOR = "supervisor"
    RECEPTIONIST = "receptionist"
    AUDITOR = "auditor"


_P = Permission
ROLE_PERMISSIONS: Mapping[Role, frozenset[Permission]] = {
    # An owner differs from an administrator in who may make and unmake owners.
    Role.OWNER: frozenset(Permission),
    Role.ADMINISTRATOR: frozenset(Permission),
    Role.SUPERVISOR: frozenset(
        {
            _P.CALLS_READ, _P.RECORDINGS_READ, _P.CALLS_ANNOTATE, _P.CALLS_EXPORT, _P.LIVE_READ,
            _P.LIVE_ANSWER, _P.LIVE_ACT, _P.ORIGINATE, _P.EVENTS_READ, _P.SETUP_READ,
            _P.FIGURES_READ, _P.HEALTH_READ,
        }
    ),
    Role.RECEPTIONIST: frozenset(
        {_P.CALLS_READ, _P.CALLS_ANNOTATE, _P.LIVE_READ, _P.LIVE_ANSWER, _P.HEALTH_READ}
    ),
    Role.AUDITOR: frozenset(
        {
            _P.CALLS_READ, _P.RECORDINGS_READ, _P.CALLS_EXPORT, _P.EVENTS_READ, _P.SETUP_READ,
            _P.FIGURES_READ, _P.HEALTH_READ, _P.AUDIT_READ,
        }
    ),
}  # fmt: skip


def may_manage(actor: Role, subject: Role) -> bool:
    """Whether ``actor`` may make, change or remove an account of role ``subject``."""
    if actor is Role.OWNER:
        return True
    return actor is Role.ADMINISTRATOR and subject is not Role.OWNER
