"""A running appliance with a bench switch, on a thread of its own.

Playwright and gevent each want the thread that they are used on; so the phones, which send a frame
every 20 ms, go on while a test waits for a page. `PhoneLine` is a telephone of that exchange, used
from the test's thread.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar

import gevent
from gevent.event import Event

from appliance.inference.client import InferenceClient
from appliance.lab.backend import Phone
from appliance.lab.session import Lab, lab
from appliance.lab.sound import speech
from appliance.lab.stack import Stack
from appliance.lab.transcripts import transcribe
from appliance.speech.recognizer import HttpRecognizer

Result = TypeVar("Result")
_START_S = 120.0
_STEP_S = 40.0
_PROMPT_S = 20.0
_QUIET_S = 0.7
_CALLER_WORDS_PER_MINUTE = 160


@dataclass
class Exchange:
    """A running lab, and the address of its operators' page."""

    lab: Lab
    url: str
    _hub: Any
    _over: Event

    def do(self, function: Callable[[], Result]) -> Result:
        """Call a function on the phones' thread; what it gives, or raises."""
        done: Future[Result] = Future()

        def work() -> None:
            try:
                done.set_result(function())
            except Exception as error:  # noqa: BLE001 - it is raised again by result()
                done.set_exception(error)

        self._hub.loop.run_callback_threadsafe(gevent.spawn, work)
        return done.result(_STEP_S)

    def caller(self, number: str = "+15550177", name: str = "Thomas") -> "PhoneLine":
        """Somebody outside."""
        return PhoneLine(self, self.do(lambda: self.lab.backend.caller(number, name, 8000)))

    def desk(self, extension: str) -> "PhoneLine":
        """The phone at a desk, registered from now on."""
        return PhoneLine(self, self.do(lambda: self.lab.backend.desk(extension)))


@dataclass
class PhoneLine:
    """A phone, and who holds it."""

    exchange: Exchange
    phone: Phone
    call_id: str = field(default="")

    def dial(self, did: str) -> None:
        """Call the appliance."""
        self.call_id = self.exchange.do(lambda: self.exchange.lab.backend.dial(self.phone, did))

    def hear_out(self) -> None:
        """Wait until something was said and it is quiet again."""
        ear, begun = self.phone.ear, self.phone.answered_at or 0.0

        def listen() -> None:
            assert ear.wait_audible(begun, _PROMPT_S) is not None, "nothing was said"
            assert ear.wait_quiet(_QUIET_S, _PROMPT_S), "it never ended"

        self.exchange.do(listen)

    def say(self, text: str) -> None:
        """Speak, to the end."""
        pcm = speech(text, "en-us", _CALLER_WORDS_PER_MINUTE, self.phone.rate_hz)
        self.exchange.do(lambda: self.phone.say(pcm).done.wait())

    def pick_up(self) -> None:
        """Answer the call that rings."""

        def answer() -> None:
            assert self.phone.rings.wait(_PROMPT_S), "it never rang"
            self.phone.answer()

        self.exchange.do(answer)

    def hang_up(self) -> None:
        """End the call."""
        self.exchange.do(self.phone.hang_up)
        assert self.exchange.do(lambda: self.phone.ended.wait(_PROMPT_S))

    def heard(self) -> str:
        """The words that were heard in this call, as a recogniser understands them."""
        with closing(InferenceClient(self.exchange.lab.stack.inference_url)) as client:
            pieces = transcribe(self.phone.ear, HttpRecognizer(client))
        return " ".join(piece.text for piece in pieces)


@contextmanager
def exchange(work: Path) -> Iterator[Exchange]:
    """Everything up, for as long as the context lasts."""
    started: Future[Exchange] = Future()
    thread = Thread(target=_run, args=(Stack(work), started), name="exchange", daemon=True)
    thread.start()
    running = started.result(_START_S)
    try:
        yield running
    finally:
        running._hub.loop.run_callback_threadsafe(running._over.set)
        thread.join()


def _run(stack: Stack, started: "Future[Exchange]") -> None:
    try:
        with lab(stack, "bench", say=lambda line: None, started=lambda: None) as running:
            over = Event()
            started.set_result(Exchange(running, stack.start_admin(), gevent.get_hub(), over))
            over.wait()
    except Exception as error:
        if started.done():
            raise
        started.set_exception(error)
