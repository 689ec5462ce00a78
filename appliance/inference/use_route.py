"""``POST /v1/models/use``: load another model beside the one in use, and give it the calls to come.

Only for whoever is on this machine: the server has no sign-in, and a model is a file that its
library trusts.
"""

import ipaddress
import socket
from pathlib import Path
from typing import Annotated, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from appliance.inference.chat import first_fault
from appliance.inference.engine_set import EngineSet
from appliance.inference.engines import LANGUAGE_MODELS, RECOGNIZERS, VOICES
from appliance.inference.protocols import BadRequestError

_ENGINES = {"recognizer": RECOGNIZERS, "language_model": LANGUAGE_MODELS, "voice": VOICES}
_DIRECTORIES = frozenset({"faster-whisper"})
_FILES = frozenset({"llama-cpp", "piper"})
# Whoever sends one of these speaks for somebody else, or is a web page in a browser here.
_NOT_LOCAL = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Origin")


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kind: Literal["recognizer", "language_model", "voice"]
    engine: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    model: Annotated[str, StringConstraints(max_length=4096)] = ""


async def use(request: web.Request, engines: EngineSet) -> web.Response:
    """Handle the request; the reply comes once the model serves new calls.

    Raises:
        web.HTTPForbidden: the client is not on this machine.
        BadRequestError: the body is wrong, or the model is not there.
        SwapInProgressError, ModelRefusedError: see `EngineSet.use`.
    """
    if not is_local(request):
        raise web.HTTPForbidden(text="models are chosen on the machine that runs them only")
    if request.content_type != "application/json":
        raise BadRequestError("send Content-Type: application/json")
    try:
        body = _Body.model_validate_json(await request.read())
    except ValidationError as error:
        raise first_fault(error) from error
    _check(body)
    await engines.use(body.kind, body.engine, body.model)
    return web.json_response({"kind": body.kind, "engine": body.engine, "state": "ready"})


def is_local(request: web.Request) -> bool:
    """Whether the client is a process on this machine and speaks for itself."""
    if request.transport is None or any(name in request.headers for name in _NOT_LOCAL):
        return False
    connection = request.transport.get_extra_info("socket")
    if connection is None:
        return False
    if connection.family == socket.AF_UNIX:
        return True
    peer = request.transport.get_extra_info("peername")
    try:
        return ipaddress.ip_address(peer[0]).is_loopback
    except (TypeError, IndexError, ValueError):
        return False


def _check(body: _Body) -> None:
    """Whether the engine is known and its model is there.

    Raises:
        BadRequestError: one of them is not.
    """
    known = _ENGINES[body.kind]
    if body.engine not in known:
        raise BadRequestError(f"engine: choose one of {', '.join(sorted(known))}", param="engine")
    if body.engine not in _DIRECTORIES | _FILES:
        return
    path = Path(body.model)
    if not path.is_absolute() or "\0" in body.model:
        raise BadRequestError("model: give an absolute path", param="model")
    there = path.is_dir() if body.engine in _DIRECTORIES else path.is_file()
    if not there:
        what = "directory" if body.engine in _DIRECTORIES else "file"
        raise BadRequestError(f"model: there is no {what} {body.model}", param="model")
