"""One caller's conversation: inputs in, steps out.

Driven by what the controller reports: `begin`, then any of `heard`, `pressed`, `silent`,
`transferred`, `failed`, `turned_away`, in any order. Every answer speaks, transfers, hangs up or
falls back, save two: keys that may be followed by more, and a caller who was connected. Two
failures in a row, 0 or "operator" lead to a person from everywhere.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from appliance.calls.decision import Decision, Intent
from appliance.calls.directory import Directory, Persona, Target
from appliance.calls.events import Outcome
from appliance.calls.outside import OutsideLine
from appliance.calls.transfer import TransferResult
from appliance.decisions.chain import DecisionChain
from appliance.decisions.context import Asked, TurnContext
from appliance.decisions.policies.closed_answers import asks_again, takes_back
from appliance.decisions.policies.directory_match import topic_of
from appliance.decisions.text import plain
from appliance.dialogue import prompts
from appliance.dialogue.keypad import Keypad
from appliance.dialogue.moves import Moves
from appliance.dialogue.prompts import SENTENCES, sentence
from appliance.dialogue.reactions import Reactions
from appliance.dialogue.second_thoughts import KEYS, changes_course
from appliance.dialogue.state import Phase, State
from appliance.dialogue.steps import Decided, FallBack, HangUp, Say, Step

MAX_SILENCES = 2
MAX_BROKEN = 2

_ASKED = {
    Phase.CHOOSING: Asked.CHOICE,
    Phase.OFFERING: Asked.OFFER,
    Phase.ANYTHING_ELSE: Asked.ANYTHING_ELSE,
    Phase.INTAKE: Asked.DICTATION,
}


class Conversation:
    """A state machine over `Phase`; all it knows is in `State`."""

    def __init__(
        self,
        directory: Directory,
        chain: DecisionChain,
        persona: Persona | None = None,
        caller_number: str = "",
        state: State | None = None,
    ) -> None:
        """Start a conversation, or go on with ``state``.

        Args:
            persona: who answers; the organisation's when left out.
            caller_number: as the network gave it, any text.
        """
        self._state = state or State(caller_number=caller_number[:40])
        self._directory = directory
        self._chain = chain
        self._moves = Moves(self._state, directory, persona or directory.persona_of(None))
        self._reactions = Reactions(self._moves)
        self._keypad = Keypad(directory, self._state)

    @classmethod
    def resume(
        cls, state: Mapping[str, Any], directory: Directory, chain: DecisionChain,
        persona: Persona | None = None,
    ) -> "Conversation":  # fmt: skip
        """Go on where `state` was taken.

        Raises:
            TypeError, ValueError: when the data is not a conversation's state.
        """
        return cls(directory, chain, persona, state=State.from_dict(state, directory))

    def state(self) -> dict[str, Any]:
        """Everything needed to go on elsewhere, as plain JSON-ready data."""
        return self._state.as_dict()

    def begin(self, now: datetime) -> list[Step]:
        """The greeting."""
        open_now = self._directory.hours.is_open(now)
        return self._moves.listen(prompts.greeting(self._moves.persona, open_now))

    def resumed(self, now: datetime) -> list[Step]:
        """The first words of a controller that took the call over."""
        state, moves = self._state, self._moves
        if state.ended is not None:
            return self._ending()
        if state.phase is not Phase.TRANSFERRING:
            return moves.again(SENTENCES["interrupted"])
        target = self._directory.target(state.target_id)
        if target is None:
            return moves.to_person(now, "interrupted while connecting")
        state.phase, state.candidates, state.for_message = Phase.CHOOSING, [target.id], False
        question = sentence("resume_transfer", target=target.name)
        return [moves.say(f"{SENTENCES['interrupted']} {question}", "closed")]

    def heard(self, text: str, confidence: float, now: datetime) -> list[Step]:
        """The caller said something. ``text`` is any transcript, ``confidence`` 0 to 1."""
        state = self._state
        waiting = self._not_listening()
        if waiting is not None:
            return waiting
        state.keys = ""
        if not plain(text):
            return self._reactions.misunderstood(now)
        state.silences = state.broken = 0
        turn = self._turn(text, confidence, now, keyed=False)
        state.remember("caller", text)
        if state.phase is Phase.INTAKE:
            return self._dictated(turn)
        name = turn.introduction.name
        if name:
            state.caller_name = prompts.safe(name.title())
        decision = self._chain.decide(turn)
        state.topic = topic_of(turn) or state.topic
        return [Decided(decision), *self._reactions.to(decision, now)]

    def pressed(self, digits: str, now: datetime) -> list[Step]:
        """The caller pressed keys; one at a time or several. Empty while more may follow."""
        steps: list[Step] = []
        for key in digits[:40]:
            if key not in "0123456789*#":
                continue
            waiting = self._not_listening()
            if waiting is not None:
                # Keys after the one that ended the matter: what began is not undone by them.
                return steps or waiting
            self._state.silences = 0
            steps += self._key(key, now)
        if not steps and not self._state.keys:
            return self._not_listening() or self._moves.again()
        return steps

    def silent(self, now: datetime) -> list[Step]:
        """Nothing came from the caller for the controller's patience."""
        state, moves = self._state, self._moves
        waiting = self._not_listening()
        if waiting is not None:
            return waiting
        if state.keys:
            return self._keys_complete(now)
        state.silences += 1
        if state.silences <= MAX_SILENCES:
            lead = "still_there" if state.silences == 1 else "still_silent"
            return moves.again(SENTENCES[lead])
        if state.phase is Phase.ANYTHING_ELSE:
            return moves.goodbye("the caller had what was asked for and said no more")
        return moves.to_person(now, "the caller said nothing")

    def transferred(self, result: TransferResult, now: datetime) -> list[Step]:
        """An attempt ended. Empty when the caller is with a person: nothing is left to do."""
        state = self._state
        if state.ended is not None:
            return self._ending()
        if result.connected:
            state.phase = Phase.ENDED
            state.ended = (Outcome.CONNECTED.value, "connected to a person")
            return []
        if result is TransferResult.CALLER_HUNG_UP:
            how = "the caller hung up while a phone rang"
            state.phase, state.ended = Phase.ENDED, (self._moves.outcome().value, how)
            return self._ending()
        return self._reactions.not_connected(result, now)

    def failed(self, stage: str, now: datetime) -> list[Step]:
        """An engine or the caller's audio failed: the keypad takes over, then a person.

        Args:
            stage: ``recognizer``, ``decider``, ``synthesizer`` or ``media``.
        """
        state, moves = self._state, self._moves
        waiting = self._not_listening()
        if waiting is not None:
            return waiting
        state.broken += 1
        if state.broken > MAX_BROKEN:
            return moves.to_person(now, f"{stage} failed")
        lead = SENTENCES["no_audio" if stage == "media" else "trouble"]
        form = state.intake
        if state.phase is Phase.INTAKE and form is not None and state.broken == 1:
            return moves.ask_form(form, lead)
        return moves.menu(lead)

    def told(self, text: str) -> list[Step]:
        """Somebody of the organisation has the appliance say a line."""
        self._state.remember("appliance", text)
        return [Say(text, interruptible=False, expect=self._state.last_expect)]

    def sent_to(self, target: Target | OutsideLine, now: datetime) -> list[Step]:
        """Somebody of the organisation has the caller connected, maybe with a number outside."""
        state = self._state
        if state.ended is not None:
            return self._ending()
        state.intake, state.keys = None, ""
        state.attempts.pop(target.id, None)
        return self._moves.transfer(target, now)

    def message_for(self, target: Target) -> list[Step]:
        """Somebody of the organisation has a message taken in place of the call."""
        state = self._state
        if state.ended is not None:
            return self._ending()
        state.intake, state.keys = None, ""
        lead = prompts.not_connected(TransferResult.DECLINED, target.name)
        return self._moves.take_message(target, lead)

    def second_thoughts(
        self, text: str, confidence: float, now: datetime, *, keyed: bool = False
    ) -> Decision | None:
        """What the caller wants instead, said or keyed while a phone rings. None: nothing else."""
        state = self._state
        words = KEYS.get(text, "") if keyed else text
        if state.phase is not Phase.TRANSFERRING or not plain(words):
            return None
        turn = self._turn(words, confidence, now, keyed=keyed and words == text)
        state.remember("caller", text)
        decision = self._chain.decide(turn)
        return decision if changes_course(decision, turn, state) else None

    def changed_course(self, decision: Decision, now: datetime) -> list[Step]:
        """The phone has stopped ringing because of :meth:`second_thoughts`."""
        state = self._state
        if state.ended is not None:
            return self._ending()
        state.phase = Phase.LISTENING
        return [Decided(decision), *self._reactions.to(decision, now)]

    def turned_away(self) -> list[Step]:
        """There are too many calls to talk with this one: people take it, by the dialplan."""
        waiting = self._not_listening()
        if waiting is not None:
            return waiting
        return self._moves.fall_back("all lines are busy", SENTENCES["lines_busy"])

    def hung_up(self) -> tuple[Outcome, str]:
        """How the call ended when the caller hung up now, and a sentence for people."""
        if self._state.ended is not None:
            outcome, how = self._state.ended
            return Outcome(outcome), how
        return self._moves.outcome(), f"the caller hung up ({self._state.phase.value})"

    def _turn(self, text: str, confidence: float, now: datetime, keyed: bool) -> TurnContext:
        state = self._state
        return TurnContext(
            text=text,
            directory=self._directory,
            now=now,
            confidence=min(max(confidence, 0.0), 1.0),
            keyed=keyed,
            asked=Asked.OPEN if keyed else _ASKED.get(state.phase, Asked.OPEN),
            candidates=tuple(state.candidates),
            keys=self._keypad.choices() if keyed else {},
            priority=state.priority,
            history=tuple(state.history),
        )

    def _not_listening(self) -> list[Step] | None:
        """What to do about any input while a phone rings or after the end."""
        if self._state.ended is not None:
            return self._ending()
        if self._state.phase is Phase.TRANSFERRING:
            return [self._moves.say(SENTENCES["still_connecting"], interruptible=False)]
        return None

    def _ending(self) -> list[Step]:
        outcome, how = self._state.ended or (Outcome.LOST.value, "")
        if outcome == Outcome.CONNECTED.value:
            return []
        if outcome == Outcome.FELL_BACK.value:
            return [FallBack(how)]
        return [HangUp(Outcome(outcome), how)]

    def _dictated(self, turn: TurnContext) -> list[Step]:
        """An answer for the form, unless it is an emergency or a wish for a person."""
        form = self._state.intake
        decision = self._chain.decide(turn)
        if form is None or decision.intent in (Intent.EMERGENCY, Intent.OPERATOR):
            return [Decided(decision), *self._reactions.to(decision, turn.now)]
        self._state.priority = decision.priority
        steps: list[Step] = [Decided(decision)]
        if takes_back(turn.plain):
            self._state.intake = None
            return [*steps, *self._moves.anything_else(SENTENCES["all_right"])]
        if asks_again(turn.plain):
            return [*steps, *self._moves.again()]
        return [*steps, *self._answered(form.heard(turn.text))]

    def _answered(self, useful: bool) -> list[Step]:
        form = self._state.intake
        if form is None:
            return self._moves.listen(self._moves.own("help"))
        if form.done:
            return self._moves.save(form)
        return self._moves.ask_form(form, "" if useful else SENTENCES["intake_again"])

    def _key(self, key: str, now: datetime) -> list[Step]:
        state = self._state
        if key == "*":
            state.keys = ""
            return self._moves.again()
        if key != "#":
            state.keys += key
            if self._keypad.more_may_follow():
                return []
        return self._keys_complete(now)

    def _keys_complete(self, now: datetime) -> list[Step]:
        state = self._state
        digits, state.keys = state.keys, ""
        if not digits:
            return self._moves.again()
        form = state.intake
        state.remember("caller keyed", digits)
        if form is not None and state.phase is Phase.INTAKE and digits != "0":
            return self._answered(form.keyed(digits))
        decision: Decision = self._chain.decide(self._turn(digits, 1.0, now, keyed=True))
        return [Decided(decision), *self._reactions.to(decision, now)]
