"""The pages of the menu, and who sees which."""

from dataclasses import dataclass

from appliance.admin.principal import Principal
from appliance.admin.roles import Permission


@dataclass(frozen=True, slots=True)
class Entry:
    """A page of the menu.

    Attributes:
        route: its name.
        path: it and what lies under it count as this page.
        permission: who lacks it does not see the entry; the route's rule decides on its own.
        icon: name of a symbol in ``static/icons.svg``.
    """

    route: str
    path: str
    title: str
    icon: str
    permission: Permission


@dataclass(frozen=True, slots=True)
class Shown:
    """An entry as one page shows it."""

    entry: Entry
    current: bool


MENU: tuple[Entry, ...] = (
    Entry("live", "/live", "Live", "live", Permission.LIVE_READ),
    Entry("calls", "/calls", "Calls", "calls", Permission.CALLS_READ),
    Entry("figures", "/figures", "Figures", "figures", Permission.FIGURES_READ),
    Entry("setup", "/setup", "Set-up", "setup", Permission.SETUP_READ),
    Entry("accounts", "/accounts", "Accounts", "people", Permission.ACCOUNTS_MANAGE),
    Entry("audit", "/audit", "Audit log", "audit", Permission.AUDIT_READ),
    Entry("tokens", "/tokens", "API tokens", "tokens", Permission.TOKENS_MANAGE),
    Entry("api_page", "/api-docs", "API", "api", Permission.HEALTH_READ),
)


def navigation_for(who: Principal, path: str) -> tuple[Shown, ...]:
    """The menu of somebody who looks at ``path``."""
    return tuple(
        Shown(entry, path == entry.path or path.startswith(f"{entry.path}/"))
        for entry in MENU
        if who.may(entry.permission)
    )
