"""The smallest controller there can be, as a process of its own, so that it can be killed.

``python tiny_controller.py PORT BEHAVIOUR`` listens on 127.0.0.1:PORT and prints one JSON object a
line about everything that happens, with ``time.perf_counter()`` (one clock for all processes).

Behaviours: ``talk`` answers, asks for unicast and plays a 440 Hz tone for as long as the call
lasts; ``echo`` sends back what it gets; ``mute`` accepts the connection and does nothing;
``vanish`` answers one call and leaves it, and its port goes on taking connections; ``hunt``,
``voicemail`` and ``done`` answer, ask for that end in the call's variables and hang up their
connection.
"""

import json
import math
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterator
from urllib.parse import unquote

FRAME_S = 0.02


def say(what: str, **more: object) -> None:
    line = json.dumps({"what": what, "at": time.perf_counter(), **more})
    sys.stdout.write(line + "\n")  # one write: several threads say things
    sys.stdout.flush()


def messages(connection: socket.socket) -> Iterator[tuple[dict[str, str], dict[str, str]]]:
    """Headers of each message and, for events, the event's own headers."""
    reader = connection.makefile("rb")
    while True:
        head = b""
        while not head.endswith(b"\n\n"):
            line = reader.readline()
            if not line:
                return
            head += line
        headers = parsed(head)
        body = reader.read(int(headers.get("Content-Length", 0)))
        yield headers, parsed(body) if "event" in headers.get("Content-Type", "") else {}


def parsed(text: bytes) -> dict[str, str]:
    pairs = (line.partition(": ") for line in text.decode(errors="replace").splitlines())
    return {name: unquote(value) for name, _, value in pairs}


class Session(threading.Thread):
    def __init__(self, connection: socket.socket, behaviour: str) -> None:
        super().__init__(daemon=True)
        self.connection = connection
        self.behaviour = behaviour
        self.ours = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.ours.bind(("127.0.0.1", 0))
        self.rate = 8000

    def send(self, *lines: str) -> None:
        self.connection.sendall(("\n".join(lines) + "\n\n").encode())

    def execute(self, app: str, argument: str = "") -> None:
        self.send(
            "sendmsg", "call-command: execute", f"execute-app-name: {app}",
            f"execute-app-arg: {argument}", "event-lock: true",
        )  # fmt: skip

    def run(self) -> None:
        incoming = messages(self.connection)
        self.send("connect")
        call, _ = next(incoming)
        uuid = call["Unique-ID"]
        say(
            "connected",
            uuid=uuid,
            did=call.get("variable_appliance_did", ""),
            resumed=call.get("variable_appliance_resumed", ""),
            name=call.get("Caller-Caller-ID-Name", ""),
            kept=call.get("variable_kept", ""),
        )
        self.rate = int(call.get("variable_read_rate", 8000))
        self.send("linger 10")
        self.send("myevents")
        if self.behaviour in ("hunt", "voicemail", "done"):
            self.leave()
        else:
            if call["Answer-State"] == "answered":
                self.execute("sched_cancel")
            self.execute("answer")
        for _, event in incoming:
            name = event.get("Event-Name")
            if not name:
                continue
            say(
                "event",
                name=name,
                uuid=event.get("Unique-ID"),
                app=event.get("Application", ""),
                digit=event.get("DTMF-Digit", ""),
                cause=event.get("Hangup-Cause", ""),
            )
            if name == "CHANNEL_ANSWER" or (
                name == "CHANNEL_EXECUTE_COMPLETE" and event.get("Application") == "answer"
            ):
                if self.behaviour == "vanish":
                    self.connection.shutdown(socket.SHUT_RDWR)
                    break
                self.rate = int(event.get("variable_read_rate", self.rate))
                self.start_media()
        say("closed", uuid=uuid)

    def leave(self) -> None:
        self.execute("answer")
        name = "appliance_done" if self.behaviour == "done" else "appliance_fallback"
        value = "true" if self.behaviour == "done" else self.behaviour
        self.execute("set", f"{name}={value}")
        self.send("exit")

    def start_media(self) -> None:
        if self.behaviour not in ("talk", "echo") or hasattr(self, "theirs"):
            return
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            self.theirs = probe.getsockname()
        self.send(
            "sendmsg", "call-command: unicast",
            "local-ip: 127.0.0.1", f"local-port: {self.theirs[1]}",
            "remote-ip: 127.0.0.1", f"remote-port: {self.ours.getsockname()[1]}",
            "transport: udp",
        )  # fmt: skip
        threading.Thread(target=self.receive, daemon=True).start()
        if self.behaviour == "talk":
            threading.Thread(target=self.play, daemon=True).start()

    def receive(self) -> None:
        frames = 0
        audible = 0
        self.ours.settimeout(1.0)
        while True:
            try:
                pcm, source = self.ours.recvfrom(4096)
            except TimeoutError:
                say("frames_stopped", frames=frames)
                self.ours.settimeout(None)
                continue
            frames += 1
            if frames == 1:
                say("first_frame", size=len(pcm), rate=self.rate)
            if max(abs(v[0]) for v in struct.iter_unpack("<h", pcm)) > 500:
                audible += 1
                if audible == 10:
                    say("heard_caller")
            if self.behaviour == "echo":
                self.ours.sendto(pcm, source)

    def play(self) -> None:
        samples = self.rate // 50
        sent = 0
        next_at = time.perf_counter()
        while True:
            pcm = b"".join(
                struct.pack("<h", int(8000 * math.sin(2 * math.pi * 440 * i / self.rate)))
                for i in range(sent * samples, (sent + 1) * samples)
            )
            self.ours.sendto(pcm, self.theirs)
            if sent == 0:
                say("first_played")
            sent += 1
            next_at += FRAME_S
            time.sleep(max(0.0, next_at - time.perf_counter()))


def main() -> None:
    port, behaviour = int(sys.argv[1]), sys.argv[2]
    server = socket.create_server(("127.0.0.1", port))
    say("listening", port=server.getsockname()[1])
    while True:
        connection, _ = server.accept()
        if behaviour == "mute" or (behaviour == "vanish" and KEPT):
            say("accepted")
            KEPT.append(connection)
            continue
        if behaviour == "vanish":
            KEPT.append(connection)
        Session(connection, behaviour).start()


KEPT: list[socket.socket] = []

if __name__ == "__main__":
    main()
