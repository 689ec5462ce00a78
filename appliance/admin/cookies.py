"""The two cookies: of the session, and of a browser that has none yet."""

from aiohttp import web

from appliance.admin.config import AdminConfig
from appliance.admin.credentials import Credential, csrf_of, fresh_secret, from_cookie
from appliance.admin.request_keys import VISITOR_SECRET

_SESSION = "appliance_session"
_VISITOR = "appliance_visitor"


def session_credential(request: web.Request, config: AdminConfig) -> Credential | None:
    """What the browser's session cookie holds."""
    return from_cookie(request.cookies.get(_name(_SESSION, config), ""))


def set_session(response: web.Response, credential: Credential, config: AdminConfig) -> None:
    """Give the browser its session; it forgets it when it is closed or the session is over."""
    _set(response, _SESSION, credential.as_cookie(), config)


def forget_session(response: web.Response, config: AdminConfig) -> None:
    """Take it back."""
    response.del_cookie(
        _name(_SESSION, config), path="/", secure=config.secure, httponly=True, samesite="Lax"
    )


def visitor_csrf(request: web.Request, config: AdminConfig) -> str:
    """What forms of a browser that has not signed in repeat; empty before it has the cookie."""
    secret = request.cookies.get(_name(_VISITOR, config), "")
    return csrf_of(secret) if 20 <= len(secret) <= 64 else ""


def greet_visitor(request: web.Request, response: web.Response, config: AdminConfig) -> None:
    """Give a browser that has none the visitor's cookie, with a secret chosen beforehand."""
    secret = request.get(VISITOR_SECRET)
    if secret:
        _set(response, _VISITOR, secret, config)


def fresh_visitor_csrf(request: web.Request) -> str:
    """A visitor's token for a browser without the cookie, which `greet_visitor` then sets."""
    secret = request[VISITOR_SECRET] = fresh_secret()
    return csrf_of(secret)


def _set(response: web.Response, name: str, value: str, config: AdminConfig) -> None:
    response.set_cookie(
        _name(name, config), value, path="/", secure=config.secure, httponly=True, samesite="Lax"
    )


def _name(name: str, config: AdminConfig) -> str:
    # Browsers take a __Host- cookie only over TLS, from this host and for the whole of it.
    return f"__Host-{name}" if config.secure else name
