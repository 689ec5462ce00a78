"""A controller in a few lines: it greets with a tone, answers speech with a tone, obeys keys.

0 transfers to extension 201 as the appliance does: a second leg with its own session, a tone for an
announcement, a key, a bridge.
"""

import time

import gevent
from gevent.pool import Group
from gevent.queue import Empty, Queue

from appliance.calls.errors import SwitchError
from appliance.lab.clock import FRAME_S
from appliance.lab.contract_media import Media
from appliance.lab.peer import Peer, PeerServer, dial
from appliance.lab.sound import frames_of, is_audible, silence, tone
from appliance.switch.wire import event_of

PAUSE_FRAMES = 15


class ScriptedController:
    def __init__(self, server: PeerServer, control: tuple[str, int]) -> None:
        self._server = server
        self._control = control
        self._desks: dict[str, Queue] = {}
        self._greenlets = Group()
        self._greenlets.spawn(self._accept)

    def stop(self) -> None:
        self._greenlets.kill()

    def _accept(self) -> None:
        while True:
            try:
                peer = self._server.session(timeout_s=60.0)
            except SwitchError:
                continue
            self._greenlets.spawn(self._session, peer)

    def _session(self, peer: Peer) -> None:
        try:
            peer.data = event_of(peer.command("connect"))
            call = peer.data.var("appliance_call_id")
            if call:
                self._desks[call].put(peer)
            else:
                Conversation(self, peer).run()
        except SwitchError:
            return

    def desk_for(self, call_id: str, extension: str) -> Peer:
        arrivals = self._desks[call_id] = Queue()
        control = dial(*self._control, "ClueCon")
        reply = control.api(
            f"originate {{appliance_call_id={call_id},originate_timeout=5}}"
            f"user/{extension}@appliance.local &socket('{self._server.address} async full')"
        )
        control.close()
        if not reply.startswith("+OK"):
            raise SwitchError(reply)
        peer = arrivals.get(timeout=3.0)
        assert isinstance(peer, Peer)
        return peer

    def bridge(self, a: str, b: str) -> None:
        control = dial(*self._control, "ClueCon")
        control.api(f"uuid_setvar {a} hangup_after_bridge true")
        control.api(f"uuid_bridge {a} {b}")
        control.close()


class Conversation:
    def __init__(self, controller: ScriptedController, peer: Peer) -> None:
        self._controller = controller
        self._peer = peer

    def run(self) -> None:
        peer = self._peer
        assert peer.data is not None
        call_id = peer.data.get("Unique-ID")
        peer.command("linger 2")
        peer.command("myevents")
        peer.execute("answer")
        voice = Voice(peer)
        voice.say(tone(8000, 1.2))
        while not peer.closed.is_set():
            if any(event.name == "CHANNEL_HANGUP" for event in peer.events):
                break
            if any(event.get("DTMF-Digit") == "0" for event in peer.events):
                desk = self._controller.desk_for(call_id, "201")
                self._announce(desk)
                assert desk.data is not None
                self._controller.bridge(call_id, desk.data.get("Unique-ID"))
                peer.closed.wait()
                break
            if voice.heard_a_sentence():
                voice.say(tone(8000, 0.4))
        voice.stop()

    def _announce(self, desk: Peer) -> None:
        desk.command("linger 2")
        desk.command("myevents")
        voice = Voice(desk)
        voice.say(tone(8000, 0.5))
        listening = gevent.spawn(voice.listen_for_ever)
        desk.wait("DTMF", timeout_s=10.0)
        listening.kill()
        voice.stop()


class Voice:
    """Paced playout, and the end of the caller's sentences by level alone."""

    def __init__(self, peer: Peer) -> None:
        self._media = Media(peer)
        self._queue: Queue = Queue()
        self._talked = False
        self._quiet = 0
        self._player = gevent.spawn(self._play)

    def say(self, pcm: bytes) -> None:
        for frame in frames_of(pcm, 8000):
            self._queue.put(frame)

    def heard_a_sentence(self) -> bool:
        """Listen for 20 ms; the caller stopped talking, and is talked over from here."""
        with gevent.Timeout(0.1, False):
            frame = self._media.socket.recv(4096)
            if is_audible(frame, 500):
                self._talked, self._quiet = True, 0
                while not self._queue.empty():
                    self._queue.get()
            else:
                self._quiet += 1
        if self._talked and self._quiet >= PAUSE_FRAMES:
            self._talked = False
            return True
        return False

    def listen_for_ever(self) -> None:
        while True:
            self.heard_a_sentence()

    def stop(self) -> None:
        self._player.kill()
        self._media.close()

    def _play(self) -> None:
        due = time.perf_counter()
        while True:
            try:
                frame = self._queue.get_nowait()
            except Empty:
                frame = silence(8000)
            try:
                self._media.send(frame)
            except OSError:
                return
            due += FRAME_S
            gevent.sleep(max(due - time.perf_counter(), 0.0))
