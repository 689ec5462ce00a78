"""What the application keeps with a request."""

from typing import Any

from aiohttp import web

CORRELATION_ID: web.RequestKey[str] = web.RequestKey("correlation_id", str)
VISITOR_SECRET: web.RequestKey[str] = web.RequestKey("visitor_secret", str)
# Of type Visit, which the modules that need this key cannot all import.
VISIT: web.RequestKey[Any] = web.RequestKey("visit", object)
