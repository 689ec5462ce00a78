"""One request, as handlers see it."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import aiohttp_jinja2
from aiohttp import web
from sqlalchemy.orm import Session
from yarl import URL

from appliance.admin.audit import Trace
from appliance.admin.flashes import Flash
from appliance.admin.forms import Form
from appliance.admin.principal import Principal
from appliance.admin.problems import Problem
from appliance.admin.rendering import context_of
from appliance.admin.request_keys import CORRELATION_ID
from appliance.admin.services import SERVICES, Services

if TYPE_CHECKING:
    from appliance.admin.routing import Route

Result = TypeVar("Result")


class Visit:
    """A request that was let in, and what it brought.

    Attributes:
        principal: who asks; None on routes for anyone. ``who`` is the same and never None.
        params, query, body: instances of the route's models.
        form: of pages with a body.
        trace: for the audit log; see ``audit.Trace.write``.
        address: whom the request comes from, behind the proxies that are trusted.
    """

    def __init__(self, request: web.Request, route: "Route", address: str) -> None:
        self.request = request
        self.route = route
        self.address = address
        self.principal: Principal | None = None
        self.csrf = ""
        self.params: Any = None
        self.query: Any = None
        self.body: Any = None
        self.form = Form()
        self.trace = Trace(
            organisation_id=None, actor_id=None, actor="", via="", address=address,
            correlation_id=self.correlation_id, action=route.audit, object_kind=route.object_kind,
        )  # fmt: skip

    @property
    def services(self) -> Services:
        """What the application shares."""
        return self.request.config_dict[SERVICES]

    @property
    def correlation_id(self) -> str:
        """Names this request in logs, in the audit log and in its answer."""
        return str(self.request.get(CORRELATION_ID, ""))

    @property
    def who(self) -> Principal:
        """Who asks, on routes that let nobody in whom we do not know."""
        if self.principal is None:
            raise Problem(401, "sign-in", "Sign in first.")
        return self.principal

    @property
    def now(self) -> datetime:
        """The time of day, UTC."""
        return self.services.now()

    async def database(self, function: Callable[[Session], Result]) -> Result:
        """A transaction that sees the organisation of who asks, on a thread.

        Raises:
            StorageError, Problem: as `DatabaseThreads.in_organisation`; leave them alone, and they
                are answered in the right words.
        """
        return await self.services.threads.in_organisation(self.who.organisation_id, function)

    async def run(self, function: Callable[[], Result]) -> Result:
        """Blocking work of another kind, on a thread."""
        return await self.services.threads.run(function)

    def page(self, template: str, *, status: int = 200, **context: Any) -> web.Response:
        """A page; `rendering.context_of` says what every template has beside ``context``."""
        everything = {**context_of(self.request), "visit": self, **context}
        return aiohttp_jinja2.render_template(template, self.request, everything, status=status)

    def again(self, template: str, **context: Any) -> web.Response:
        """The form once more, with what is wrong with it."""
        return self.page(template, status=422, form=self.form, **context)

    def url(self, name: str, query: Mapping[str, str] | None = None, **params: str) -> URL:
        """The address of a route, by its name."""
        return self._address(name, query, params)

    def redirect(self, name: str, flash: str = "", kind: str = "ok", **params: str) -> web.Response:
        """To another page after a form was taken, with words to show there."""
        if flash:
            self.flash(flash, kind)
        return see_other(self._address(name, None, params))

    def _address(
        self, name: str, query: Mapping[str, str] | None, params: Mapping[str, str]
    ) -> URL:
        address = self.request.app.router[name].url_for(**params)
        return address.with_query(query) if query else address

    def flash(self, text: str, kind: str = "ok") -> None:
        """Words for the next page of this session; ``kind`` is ok, warning or error."""
        if self.principal is not None and self.principal.via == "session":
            self.services.flashes.add(self.principal.credential_id, Flash(text, kind))


def see_other(address: URL | str) -> web.Response:
    """Sends the browser on with a GET."""
    return web.Response(status=303, headers={"Location": str(address)})
