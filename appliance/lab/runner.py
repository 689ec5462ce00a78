"""Playing scenarios and gathering what came of them."""

from collections.abc import Callable, Mapping

import gevent
from gevent import get_hub

from appliance.calls.errors import ApplianceError
from appliance.lab.account import CallAccount, Records
from appliance.lab.backend import Backend, Phone
from appliance.lab.checks import failures
from appliance.lab.desks import DeskPlayer
from appliance.lab.measures import greeting_ms, longest_silence_ms, reply_ms
from appliance.lab.narration import Narrator
from appliance.lab.player import CallerPlayer, Played, Tell
from appliance.lab.results import CallResult, Line, ReplyResult, ScenarioResult
from appliance.lab.scenario import Call, Scenario
from appliance.lab.transcripts import HeardText, Recognizer, transcribe

_RECORD_PATIENCE_S = 10.0
_RECORD_POLL_S = 0.1
_NARRATE_EVERY_S = 0.25


class Runner:
    """Plays scenarios on a backend, one after the other."""

    def __init__(
        self,
        backend: Backend,
        *,
        records: Records | None = None,
        recognizer: Recognizer | None = None,
        faults: Mapping[str, Callable[[], None]] | None = None,
        tell: Callable[[Line], None] = lambda _line: None,
    ) -> None:
        """Keep the parts; nothing runs yet.

        Args:
            backend: a started switch with phones.
            records: looks a call's record up; None when there is no database to look in.
            recognizer: transcribes what phones heard; without it nothing was ``heard``.
            faults: hooks by name, for steps like ``fault: kill_inference``. A scenario that asks
                for one that is missing is skipped. ``restore`` runs after each that had any.
            tell: gets each line as it happens.
        """
        self._backend = backend
        self._records = records
        self._recognizer = recognizer
        self._faults = dict(faults or {})
        self._tell = tell

    def run(self, scenario: Scenario) -> ScenarioResult:
        """Play one scenario to its end."""
        result = ScenarioResult(
            scenario.name, str(scenario.file or ""), self._backend.name, scenario.about
        )
        missing = scenario.hooks - set(self._faults)
        if missing:
            result.skipped = f"needs {', '.join(sorted(missing))}"
            return result
        try:
            self._play(scenario, result)
        except ApplianceError as error:
            result.error = f"{error.code}: {error}"
        finally:
            if scenario.hooks and "restore" in self._faults:
                self._faults["restore"]()
        return result

    def _play(self, scenario: Scenario, result: ScenarioResult) -> None:
        begun = self._backend.now()

        def tell(who: str, what: str) -> None:
            line = Line(self._backend.now() - begun, who, what)
            result.lines.append(line)
            self._tell(line)

        desks = self._seat(scenario, tell)
        try:
            playing = [
                gevent.spawn(self._play_call, call, desks, scenario.max_s, _numbered(tell, number))
                for number, call in enumerate(scenario.calls if len(scenario.calls) > 1 else [], 1)
            ] or [gevent.spawn(self._play_call, scenario.calls[0], desks, scenario.max_s, tell)]
            gevent.joinall(playing)
        finally:
            for extension in scenario.desks:
                if extension in desks:
                    desks[extension].stop()
                self._backend.unregister(extension)
        heard_at_desks = {number: self._words(desk.phone) for number, desk in desks.items()}
        for call, greenlet in zip(scenario.calls, playing, strict=True):
            played, account = greenlet.get()
            outcome = self._result(call, played, account)
            outcome.desk_heard = heard_at_desks
            outcome.failures = [*played.failures, *failures(call.expect, outcome)]
            result.calls.append(outcome)

    def _seat(self, scenario: Scenario, tell: Tell) -> dict[str, DeskPlayer]:
        """Put somebody at each desk of the scenario."""
        desks = {}
        for extension, desk in scenario.desks.items():
            if desk.rings == "not_registered":
                self._backend.unregister(extension)
                continue
            phone = self._backend.desk(extension)
            player = DeskPlayer(phone, desk, _as(tell, f"desk {extension}"))
            player.start()
            desks[extension] = player
        return desks

    def _play_call(
        self, call: Call, desks: Mapping[str, DeskPlayer], max_s: float, tell: Tell
    ) -> tuple[Played, CallAccount | None]:
        """Play one caller, telling the record as it grows, and wait until the record is closed."""
        player = CallerPlayer(self._backend, call, desks, self._faults, tell)
        narrator = Narrator(tell)
        narrating = gevent.spawn(self._narrate, player, narrator)
        try:
            played = player.play(max_s)
        finally:
            narrating.kill()
            self._backend.release(player.phone)
        account = self._closed_record(played.call_id)
        narrator.tell(account)
        if account is not None and account.outcome:
            tell("appliance", f"record closed: {account.outcome} ({account.how})")
        return played, account

    def _narrate(self, player: CallerPlayer, narrator: Narrator) -> None:
        while self._records is not None:
            if player.call_id:
                narrator.tell(self._looked_up(player.call_id))
            gevent.sleep(_NARRATE_EVERY_S)

    def _looked_up(self, call_id: str) -> CallAccount | None:
        """Ask in a thread: a database that takes its time must not hold up the phones."""
        if self._records is None:
            return None
        account: CallAccount | None = get_hub().threadpool.apply(self._records, (call_id,))
        return account

    def _closed_record(self, call_id: str) -> CallAccount | None:
        """The call's record once it has an outcome, or as it is when the patience is over."""
        account = None
        deadline = self._backend.now() + _RECORD_PATIENCE_S
        while self._records is not None and self._backend.now() < deadline:
            account = self._looked_up(call_id)
            if account is not None and account.outcome:
                break
            gevent.sleep(_RECORD_POLL_S)
        return account

    def _words(self, phone: Phone) -> list[HeardText]:
        return [] if self._recognizer is None else transcribe(phone.ear, self._recognizer)

    def _result(self, call: Call, played: Played, account: CallAccount | None) -> CallResult:
        begun = played.dialled_at
        return CallResult(
            played.call_id,
            f"{call.caller.name} {call.caller.number}".strip()[:80],
            duration_ms=((played.ended_at or self._backend.now()) - begun) * 1000,
            greeting_ms=greeting_ms(played),
            longest_silence_ms=longest_silence_ms(played),
            replies=[ReplyResult(said.said, reply_ms(played, said)) for said in played.said],
            interruptions_ms=played.interruptions_ms,
            heard=[
                HeardText(one.started_at - begun, one.ended_at - begun, one.text)
                for one in self._words(played.phone)
            ],
            stations=self._backend.stations(played.call_id),
            hangup_cause=played.phone.hangup_cause,
            frames_lost=played.phone.ear.dropped,
            account=account,
        )


def _as(tell: Tell, who: str) -> Callable[[str], None]:
    return lambda what: tell(who, what)


def _numbered(tell: Tell, number: int) -> Tell:
    return lambda who, what: tell(f"{who} {number}", what)
