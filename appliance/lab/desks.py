"""People at desks, played from a scenario: they pick up, listen, press a key, talk, hang up."""

from collections.abc import Callable

import gevent
from gevent.event import Event

from appliance.lab.backend import Phone
from appliance.lab.scenario import Desk
from appliance.lab.sound import speech

_ANNOUNCEMENT_BEGINS_S = 5.0
_ANNOUNCEMENT_ENDS_S = 15.0
_QUIET_AFTER_ANNOUNCEMENT_S = 0.6
_KEYS = {"accept": "1", "decline": "2"}
Tell = Callable[[str], None]


class DeskPlayer:
    """Plays one desk until it is stopped; every call that rings is treated the same way.

    Attributes:
        announced: set when an announcement has been heard to its end.
    """

    def __init__(self, phone: Phone, desk: Desk, tell: Tell) -> None:
        """Prepare to play ``phone``; ``tell`` gets a line for each thing done."""
        self.phone = phone
        self.announced = Event()
        self._desk = desk
        self._tell = tell
        self._greenlet: gevent.Greenlet | None = None

    def start(self) -> None:
        """Begin to watch the phone."""
        self._greenlet = gevent.spawn(self._play)
        self._greenlet.name = f"desk-{self.phone.number}"

    def stop(self) -> None:
        """Leave the desk; a call that is up stays."""
        if self._greenlet is not None:
            self._greenlet.kill()

    def _play(self) -> None:
        while True:
            self.phone.rings.wait()
            self._tell("rings")
            self._take_call()
            self.phone.ended.wait()
            self._tell(f"is hung up ({self.phone.hangup_cause})")

    def _take_call(self) -> None:
        desk, phone = self._desk, self.phone
        if desk.rings == "busy":
            self._tell("is busy")
            phone.hang_up("USER_BUSY")
            return
        if phone.ended.wait(desk.after_s) or desk.rings == "no_answer":
            return
        if desk.rings == "reject":
            self._tell("rejects")
            phone.hang_up("CALL_REJECTED")
            return
        phone.sends_audio = desk.sends_audio
        phone.answer()
        self._tell("answers")
        phone.answered.wait()
        self._listen()
        if not phone.ended.is_set():
            self._respond()

    def _listen(self) -> None:
        """Wait for the announcement's end, or for as long as the scenario says."""
        if self._desk.press_after_s is not None:
            self.phone.ended.wait(self._desk.press_after_s)
            return
        begun = self.phone.answered_at or 0.0
        if self.phone.ear.wait_audible(begun, _ANNOUNCEMENT_BEGINS_S) is None:
            return
        self.phone.ear.wait_quiet(_QUIET_AFTER_ANNOUNCEMENT_S, _ANNOUNCEMENT_ENDS_S)
        self.announced.set()

    def _respond(self) -> None:
        desk, phone = self._desk, self.phone
        if desk.then == "hang_up":
            phone.hang_up()
            return
        key = _KEYS.get(desk.then)
        if key is None:
            return
        self._tell(f"presses {key}")
        phone.press(key)
        if desk.then != "accept":
            return
        if desk.says:
            phone.ended.wait(0.5)
            self._tell(f'says "{desk.says}"')
            phone.say(speech(desk.says, desk.voice, 160, phone.rate_hz)).done.wait()
        if desk.hangs_up_after_s is not None and not phone.ended.wait(desk.hangs_up_after_s):
            phone.hang_up()
