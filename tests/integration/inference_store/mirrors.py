"""A web server on a free port that gives files as a test wants: in halves, elsewhere, wrong."""

import asyncio
import hashlib
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from aiohttp import web


@dataclass
class Mirror:
    """What the server does.

    Attributes:
        files: content by path, with the leading slash.
        breaks: for each of the next GETs, after how many bytes the connection breaks.
        ranges: whether parts are given.
        redirects: path to address.
        linked: headers of the redirects: what the hub says of the file that is elsewhere.
        tells: whether HEAD requests are answered.
        tags: whether files come with an ETag.
        asked: method, path, Range and Authorization of every request so far.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    breaks: list[int] = field(default_factory=list)
    ranges: bool = True
    redirects: dict[str, str] = field(default_factory=dict)
    linked: dict[str, str] = field(default_factory=dict)
    tells: bool = True
    tags: bool = True
    asked: list[tuple[str, str, str | None, str | None]] = field(default_factory=list)
    url: str = ""

    def gets(self, path: str) -> list[str | None]:
        """The ranges that GET requests asked for, in order."""
        return [part for method, asked, part, _ in self.asked if (method, asked) == ("GET", path)]


@contextmanager
def serving(mirror: Mirror) -> Iterator[Mirror]:
    """The mirror, listening."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_arguments: object) -> None:
            pass

        def do_HEAD(self) -> None:
            self._answer("HEAD")

        def do_GET(self) -> None:
            self._answer("GET")

        def _answer(self, method: str) -> None:
            mirror.asked.append(
                (method, self.path, self.headers.get("Range"), self.headers.get("Authorization"))
            )
            if self.path in mirror.redirects:
                self.send_response(302)
                for header, value in mirror.linked.items():
                    self.send_header(header, value)
                self.send_header("Location", mirror.redirects[self.path])
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            data = mirror.files.get(self.path)
            if data is None or (method == "HEAD" and not mirror.tells):
                self.send_response(404 if data is None else 405)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self._send(method, data)

        def _send(self, method: str, data: bytes) -> None:
            tag = f'"{hashlib.sha256(data).hexdigest()}"'
            asked = self.headers.get("Range") if mirror.ranges and method == "GET" else None
            if self.headers.get("If-Range", tag) != tag:
                asked = None
            start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
            if start >= len(data) > 0:
                self.send_response(416)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206 if asked else 200)
            if asked:
                self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
            self.send_header("Content-Length", str(len(data) - start))
            if mirror.tags:
                self.send_header("ETag", tag)
            self.end_headers()
            if method == "HEAD":
                return
            if mirror.breaks:
                self.wfile.write(data[start : start + mirror.breaks.pop(0)])
                self.close_connection = True
            else:
                self.wfile.write(data[start:])

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_arguments: object) -> None:
            pass  # a client that hangs up in the middle is what some tests are about

    server = Server(("127.0.0.1", 0), Handler)
    mirror.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, name="mirror", args=(0.02,))
    thread.start()
    try:
        yield mirror
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


@contextmanager
def web_server(routes: Sequence[web.RouteDef]) -> Iterator[str]:
    """An aiohttp application on a thread of its own; gives its address."""
    loop = asyncio.new_event_loop()
    app = web.Application()
    app.add_routes(routes)
    runner = web.AppRunner(app)

    async def start() -> int:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return int(runner.addresses[0][1])

    thread = threading.Thread(target=loop.run_forever, name="web-server")
    thread.start()
    try:
        port = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
        yield f"http://127.0.0.1:{port}"
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
