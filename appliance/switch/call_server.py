"""Where FreeSWITCH brings its calls: one TCP connection, one greenlet and one handler per call.

`CallServer` is greenswitch's ``OutboundESLServer``; the parent keeps the books
(``connection_count``, ``max_connections``, ``_greenlets``). Overridden:

- ``listen``: the parent polls a non-blocking ``accept`` every 100 ms, ends the process when the
  port is taken and ends itself at any error of ``accept``. Here accept blocks (a call waits for
  nothing), a taken port raises, running out of files is waited out;
- ``_accept_call``: the parent counts a call after ``connect``, so that any number of mute peers
  get past ``max_connections``, and has no time limit for them;
- ``stop``: the parent closes nothing until its last call has ended, and has no time limit. What
  is in the kernel's queue when the port closes is taken and given back (see `CallChannel.close`
  for what would become of it otherwise).
"""

import errno
import logging
from collections.abc import Callable
from contextlib import suppress

import gevent
from gevent import socket
from gevent.event import Event as Flag
from greenswitch.esl import OutboundESLServer

from appliance.calls.errors import SwitchError
from appliance.switch.call_channel import CallChannel
from appliance.switch.connection import Limits, keep_alive

log = logging.getLogger(__name__)

_BACKLOG = 512
_OUT_OF_FILES = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_OUT_OF_FILES_WAIT_S = 0.2
_REFUSALS = 100


class CallServer(OutboundESLServer):  # type: ignore[misc]  # greenswitch is untyped
    """Listens for FreeSWITCH's ``socket`` application.

    Whatever happens in one session (garbage on the wire, an error in its handler) ends that
    session and nothing else. FreeSWITCH then goes on with the dialplan.
    """

    def __init__(
        self,
        host: str,
        port: int,
        on_call: Callable[[CallChannel], None],
        *,
        max_sessions: int = 1000,
        limits: Limits | None = None,
    ) -> None:
        """Prepare; nothing is opened before `start`.

        Args:
            host: a loopback address, unless FreeSWITCH runs on another machine.
            port: 0 for any free one.
            on_call: runs once per call, in a greenlet of its own named after the call. When it
                returns or raises, the session is closed.
            max_sessions: above it, a new call is given back to the dialplan.
            limits: times and sizes.
        """
        super().__init__(host, port, on_call, max_sessions)
        self._on_call = on_call
        self._limits = limits or Limits()
        self._acceptor: gevent.Greenlet | None = None
        self._idle = Flag()
        self._idle.set()
        self._refusals: set[gevent.Greenlet] = set()

    @property
    def active(self) -> int:
        """Sessions at this moment, those still shaking hands among them."""
        return int(self.connection_count)

    @property
    def accepting(self) -> bool:
        """Whether new calls are taken."""
        return bool(self._running)

    def start(self) -> tuple[str, int]:
        """Open the port and begin to take calls; return the address that is listened on.

        Raises:
            OSError: the address cannot be used.
        """
        family = socket.AF_INET6 if ":" in self.bind_address else socket.AF_INET
        server = socket.socket(family, socket.SOCK_STREAM)
        try:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind((self.bind_address, self.bind_port[0]))
            server.listen(_BACKLOG)
        except OSError:
            server.close()
            raise
        self.server = server
        host, self.bound_port = server.getsockname()[:2]
        self._running = True
        self._acceptor = gevent.spawn(self.listen)
        self._acceptor.name = f"call-server-{self.bound_port}"
        log.info("taking calls at %s:%s", host, self.bound_port)
        return host, self.bound_port

    def listen(self) -> None:
        """Take connections until `drain`. The body of the accepting greenlet."""
        while self._running:
            try:
                sock, address = self.server.accept()
            except OSError as error:
                if not self._running:
                    return
                log.error("accepting a call failed: %s", error)
                if error.errno in _OUT_OF_FILES:
                    gevent.sleep(_OUT_OF_FILES_WAIT_S)
                elif error.errno in (errno.EBADF, errno.EINVAL):
                    raise
                continue
            self._take(sock, address)

    def _take(self, sock: socket.socket, address: tuple[str, int]) -> None:
        try:
            keep_alive(sock)
        except OSError:  # reset before we looked at it
            sock.close()
            return
        if not self._running or self.connection_count >= self.max_connections:
            self._refuse(sock, address)
            return
        self.connection_count += 1
        self._idle.clear()
        session = CallChannel(address, sock, self._limits)
        handler = gevent.Greenlet(self._accept_call, session)
        handler.name = f"call-{address[0]}:{address[1]}"
        handler.session = session
        self._greenlets.add(handler)
        handler.link(self._handle_call_finish)
        handler.start()

    def _refuse(self, sock: socket.socket, address: tuple[str, int]) -> None:
        """Give a call back to the dialplan unheard, in a greenlet of its own."""
        log.error("call refused with %s sessions", self.connection_count)
        if len(self._refusals) >= _REFUSALS:
            sock.close()
            return
        greenlet = gevent.Greenlet(self._give_back, CallChannel(address, sock, self._limits))
        greenlet.name = f"call-refused-{address[0]}:{address[1]}"
        self._refusals.add(greenlet)
        greenlet.link(self._refusals.discard)
        greenlet.start()

    @staticmethod
    def _give_back(session: CallChannel) -> None:
        try:
            session.connect()
        except SwitchError as error:
            log.warning("no call from %s:%s: %s", *session.peer, error)
        finally:
            session.close()

    def _accept_call(self, session: CallChannel) -> None:
        """One session from handshake to close: the body of its greenlet."""
        try:
            session.connect()
        except SwitchError as error:
            log.warning("no call from %s:%s: %s", *session.peer, error)
            return
        gevent.getcurrent().name = f"call-{session.uuid}"
        try:
            self._on_call(session)
        except Exception:  # the call's outermost supervisor
            log.exception("the handler of leg %s failed", session.uuid)
        finally:
            session.close()

    def _handle_call_finish(self, handler: gevent.Greenlet) -> None:
        handler.session.close()
        self._greenlets.discard(handler)
        self.connection_count -= 1
        if not self._greenlets:
            self._idle.set()

    def drain(self) -> None:
        """Take no more calls; those there are go on. FreeSWITCH tries the next controller."""
        self._running = False
        acceptor, self._acceptor = self._acceptor, None
        if acceptor is None:
            return
        acceptor.kill()
        self.server.settimeout(0)
        with suppress(OSError):  # nobody waits any more
            while True:
                self._take(*self.server.accept())
        self.server.close()

    def wait_idle(self, timeout_s: float | None = None) -> bool:
        """Wait until no session is left; False when some still are after ``timeout_s``."""
        return bool(self._idle.wait(timeout_s))

    def stop(self, timeout_s: float = 5.0) -> None:
        """Take no more calls, give those there are ``timeout_s`` to end, then end the rest.

        Sessions that are cut off go on in the dialplan.
        """
        self.drain()
        gevent.joinall(list(self._refusals), timeout=timeout_s)
        gevent.killall(list(self._refusals))
        if not self.wait_idle(timeout_s):
            log.warning("%s calls cut off after %g s", self.active, timeout_s)
            gevent.killall(list(self._greenlets), timeout=timeout_s + 1)
            self.wait_idle(1.0)
