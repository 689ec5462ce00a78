"""A few lines of Event Socket client, for the bench only.

The bench does not use the appliance's own control link: what is tested must not be what looks.
"""

from gevent import socket

from appliance.calls.errors import SwitchError, SwitchGoneError


class EventSocket:
    """One signed-in connection to FreeSWITCH; commands one at a time."""

    def __init__(self, port: int, password: str, timeout_s: float = 5.0) -> None:
        """Connect to 127.0.0.1 and sign in.

        Raises:
            OSError: when nobody listens.
            SwitchError: when the password is refused.
        """
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=timeout_s)
        self._reader = self._socket.makefile("rb")
        self._message()
        headers, _ = self.command(f"auth {password}")
        if not headers.get("Reply-Text", "").startswith("+OK"):
            self.close()
            raise SwitchError(f"FreeSWITCH refused the password: {headers.get('Reply-Text')}")

    def command(self, line: str) -> tuple[dict[str, str], str]:
        """Send one command and return the headers and body of its reply; events are passed over."""
        self._socket.sendall(line.encode() + b"\n\n")
        while True:
            headers, body = self._message()
            if headers.get("Content-Type") in ("command/reply", "api/response"):
                return headers, body

    def api(self, command: str) -> str:
        """An API command's output, without the newline at its end."""
        return self.command(f"api {command}")[1].strip()

    def subscribe(self, *names: str) -> None:
        """Ask for events, which :meth:`event` then returns."""
        self.command(f"event plain {' '.join(names)}")

    def event(self, timeout_s: float = 10.0) -> dict[str, str]:
        """The next event's headers, percent-encoded as they came.

        Raises:
            TimeoutError: when none came in time.
        """
        self._socket.settimeout(timeout_s)
        while True:
            headers, body = self._message()
            if headers.get("Content-Type") == "text/event-plain":
                return _headers(body.encode())

    def close(self) -> None:
        """Hang up this connection."""
        self._reader.close()
        self._socket.close()

    def _message(self) -> tuple[dict[str, str], str]:
        head = b""
        while not head.endswith(b"\n\n"):
            line = self._reader.readline()
            if not line:
                raise SwitchGoneError("FreeSWITCH closed the Event Socket")
            head += line
        headers = _headers(head)
        length = int(headers.get("Content-Length", "0"))
        return headers, self._reader.read(length).decode(errors="replace") if length else ""


def _headers(text: bytes) -> dict[str, str]:
    pairs = (line.partition(": ") for line in text.decode(errors="replace").splitlines())
    return {name: value for name, sign, value in pairs if sign}
