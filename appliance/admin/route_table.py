"""Every route there is. A new page or resource is added here, and nowhere else."""

from appliance.admin import plain
from appliance.admin.api import accounts as api_accounts
from appliance.admin.api import audit as api_audit
from appliance.admin.api import (
    call_parts,
    documents,
    events,
    exports,
    health,
    setup_history,
    tokens,
)
from appliance.admin.api import calls as api_calls
from appliance.admin.api import figures as api_figures
from appliance.admin.api import live as api_live
from appliance.admin.api import setup as api_setup
from appliance.admin.pages import (
    account,
    accounts,
    api_docs,
    audit,
    call_back,
    calls,
    figures,
    live,
    one_call,
    setup,
    setup_first,
    setup_more,
    sign_in,
)
from appliance.admin.pages import health as health_page
from appliance.admin.pages import tokens as token_pages
from appliance.admin.routing import Route, check_table


def all_routes() -> tuple[Route, ...]:
    """The table.

    Raises:
        RouteError: a declaration does not hold together.
    """
    return check_table(
        (
            *plain.ROUTES,
            *sign_in.ROUTES,
            *account.ROUTES,
            *live.ROUTES,
            *calls.ROUTES,
            *one_call.ROUTES,
            *call_back.ROUTES,
            *figures.ROUTES,
            *accounts.ROUTES,
            *token_pages.ROUTES,
            *audit.ROUTES,
            *health_page.ROUTES,
            *setup_more.ROUTES,
            *setup_first.ROUTES,
            *setup.ROUTES,
            *api_docs.ROUTES,
            *health.ROUTES,
            *api_calls.ROUTES,
            *call_parts.ROUTES,
            *exports.ROUTES,
            *api_figures.ROUTES,
            *events.ROUTES,
            *api_live.ROUTES,
            *tokens.ROUTES,
            *api_accounts.ROUTES,
            *api_audit.ROUTES,
            *api_setup.ROUTES,
            *setup_history.ROUTES,
            *documents.ROUTES,
        )
    )
