"""The model servers of a controller, told when a call begins and when it has ended.

A server that knows of a call keeps a place for it: it reads the system prompt before the first
turn, and takes new calls only as long as all have room. Servers that are not ours know nothing of
calls; then nothing is lost but that.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import gevent
import structlog
from gevent.pool import Group

from appliance.calls.directory import Directory
from appliance.calls.errors import InferenceError
from appliance.decisions.hours_text import short
from appliance.decisions.language_model import HttpLanguageModel, ProposalRequest
from appliance.inference.client import AtCapacityError, InferenceClient, call_name

log = structlog.get_logger()

_PATH = "/v1/calls/{call}/{what}"
_TIMEOUT_S = 2.0
_LAST_WORDS_S = 1.0


class ModelServers:
    """Tells the servers, behind the calls' backs: nobody waits for it.

    Args:
        servers: each server once, the one that matters most first.
        hearing: those of them that transcribe; a call for which all of these are full is turned
            away, for without the others rules still decide and espeak-ng still speaks.
        model: knows what the system prompt of a call is; None when there is no language model.
    """

    def __init__(
        self, servers: Sequence[InferenceClient], hearing: Sequence[InferenceClient],
        model: HttpLanguageModel | None = None,
    ) -> None:  # fmt: skip
        self._servers = tuple(servers)
        self._hearing = {server.url for server in hearing}
        self._model = model
        self._telling = Group()
        self._beginning: dict[str, gevent.Greenlet] = {}

    def begin(
        self, call_id: str, directory: Directory, now: datetime, full: Callable[[str], None]
    ) -> None:
        """A call begins. ``full`` is called when the servers have no room for it, with why."""
        request = ProposalRequest(
            "", directory, open_now=directory.hours.is_open(now),
            hours_text=short(directory.hours, now),
        )  # fmt: skip
        messages = self._model.opening(request) if self._model is not None else []
        job = self._telling.spawn(self._begin, call_id, {"messages": messages}, full)
        job.name = f"call-begins-{call_id}"
        self._beginning[call_id] = job
        job.link(lambda done: self._begun(call_id, done))

    def _begun(self, call_id: str, job: gevent.Greenlet) -> None:
        if self._beginning.get(call_id) is job:
            del self._beginning[call_id]

    def end(self, call_id: str) -> None:
        """The call is over, or needs no engines any more."""
        begun = self._beginning.pop(call_id, None)
        job = self._telling.spawn(self._end, call_id, begun)
        job.name = f"call-ends-{call_id}"

    def close(self) -> None:
        """Wait a moment for what is still to be told."""
        self._telling.join(_LAST_WORDS_S)
        self._telling.kill()

    def _begin(self, call_id: str, body: dict[str, Any], full: Callable[[str], None]) -> None:
        without_room: dict[str, str] = {}
        for server in self._servers:
            try:
                server.post_json(_path(call_id, "begin"), body, _TIMEOUT_S)
            except AtCapacityError as error:
                without_room[server.url] = str(error)
            except InferenceError as error:
                log.debug("a server was not told of a call", url=server.url, error=str(error))
        if self._hearing and self._hearing <= set(without_room):
            full("; ".join(without_room.values()))

    def _end(self, call_id: str, begun: gevent.Greenlet | None) -> None:
        if begun is not None:
            begun.kill()  # a beginning that came after the end would keep a place for ever
        for server in self._servers:
            try:
                server.post_json(_path(call_id, "end"), {}, _TIMEOUT_S)
            except InferenceError as error:
                log.debug("a server was not told of an end", url=server.url, error=str(error))


def _path(call_id: str, what: str) -> str:
    return _PATH.format(call=call_name(call_id), what=what)
