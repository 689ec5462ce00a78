"""What follows from a decision, and from an attempt that reached nobody."""

from datetime import datetime

from appliance.calls.decision import Action, Decision, Intent, Priority
from appliance.calls.directory import Target
from appliance.calls.transfer import TransferResult
from appliance.decisions.policies import closed_answers, closed_hours, outside_line
from appliance.decisions.policies.choice import LABEL_SOMEONE_ELSE
from appliance.decisions.policies.keypad import LABEL_NO_EXTENSION
from appliance.dialogue import prompts
from appliance.dialogue.moves import Moves
from appliance.dialogue.prompts import SENTENCES, sentence
from appliance.dialogue.state import Phase
from appliance.dialogue.steps import Step

MAX_FAILURES = 2
MAX_CHATTER = 3


class Reactions:
    """Turns decisions and transfer results into moves."""

    def __init__(self, moves: Moves) -> None:
        """React with ``moves``."""
        self._moves = moves
        self._state = moves.state
        self._directory = moves.directory

    def to(self, decision: Decision, now: datetime) -> list[Step]:
        """Act on a decision."""
        state = self._state
        state.priority = decision.priority
        target = self._directory.target(decision.target_id)
        if decision.intent is Intent.EMERGENCY and target is None:
            return self._moves.fall_back("an emergency, and nobody to take it")
        if decision.intent is not Intent.SMALLTALK:
            state.chatter = 0
        match decision.action:
            case Action.TRANSFER if target is not None:
                return self._transfer(decision, target, now)
            case Action.TAKE_MESSAGE:
                return self._message(decision, target)
            case Action.REPEAT:
                return self._moves.again()
            case Action.HANG_UP:
                return self._moves.goodbye("the caller said goodbye")
            case Action.ANSWER:
                return self._answer(decision, now)
            case _:
                return self._clarify(decision, now)

    def _transfer(self, decision: Decision, target: Target, now: datetime) -> list[Step]:
        state = self._state
        if state.phase is Phase.CHOOSING and state.for_message:
            return self._moves.take_message(target)
        state.clarified = False
        if decision.intent is Intent.OPERATOR and state.attempts.get(target.id, 0) > 1:
            return self._moves.fall_back("asked for a person, and the operator was tried twice")
        return self._moves.transfer(target, now)

    def _message(self, decision: Decision, target: Target | None) -> list[Step]:
        state = self._state
        state.failures = 0
        if target is None and state.phase is Phase.OFFERING:
            target = self._directory.target(state.target_id)
        target = target or self._directory.operator_target
        if target is None:
            return self._moves.fall_back("a message, and nobody to take it for")
        if closed_hours.LABEL not in decision.labels:
            return self._moves.take_message(target)
        if state.phase is Phase.CHOOSING and state.for_message:
            return self._moves.take_message(target)
        if state.broken:
            return self._moves.fall_back("closed, and nothing can be understood")
        state.phase, state.target_id, state.candidates = Phase.OFFERING, target.id, [target.id]
        question = sentence("offer_message_for", target=target.name)
        return [self._moves.say(f"{decision.reply} {question}", "closed")]

    def _answer(self, decision: Decision, now: datetime) -> list[Step]:
        state = self._state
        if outside_line.LABEL in decision.labels:
            return self.misunderstood(now, decision.reply)
        match decision.intent:
            case Intent.HOURS:
                state.failures, state.informed = 0, True
                return self._moves.anything_else(decision.reply)
            case Intent.CONFIRM_YES:
                return self._yes(decision, now)
            case Intent.CONFIRM_NO:
                return self._no(decision, now)
            case _:
                return self._courtesy(decision, now)

    def _yes(self, decision: Decision, now: datetime) -> list[Step]:
        if LABEL_SOMEONE_ELSE in decision.labels or self._state.phase is not Phase.CHOOSING:
            if self._state.phase is Phase.LISTENING:
                return self._open_question_again(now)
            return self._moves.listen(SENTENCES["whom"])
        # "yes" to "John Smith or John Doe?" chooses nobody.
        return self.misunderstood(now, self._state.last_said)

    def _no(self, decision: Decision, now: datetime) -> list[Step]:
        state = self._state
        if state.phase is Phase.ANYTHING_ELSE:
            return self._moves.goodbye("the caller needed nothing else")
        if state.phase is Phase.CHOOSING:
            state.failures += 1
            if state.failures >= MAX_FAILURES:
                return self._moves.to_person(now, "not understood twice")
            return self._moves.listen(SENTENCES["whom"])
        if state.phase is Phase.OFFERING or closed_answers.LABEL_CANCEL in decision.labels:
            return self._moves.anything_else(SENTENCES["all_right"])
        return self._open_question_again(now)

    def _open_question_again(self, now: datetime) -> list[Step]:
        """A yes or no that nothing asked for: no failure, but not for ever either."""
        self._state.chatter += 1
        if self._state.chatter >= MAX_CHATTER:
            return self.misunderstood(now)
        return self._moves.listen(SENTENCES["whom"])

    def _courtesy(self, decision: Decision, now: datetime) -> list[Step]:
        state = self._state
        state.chatter += 1
        if state.chatter >= MAX_CHATTER:
            return self.misunderstood(now)
        if closed_answers.LABEL_HOLD in decision.labels:
            state.silences = -1
            return [self._moves.say(SENTENCES["take_your_time"])]
        if closed_answers.LABEL_ROBOT in decision.labels:
            lead = prompts.introduction(self._moves.persona, self._directory)
        elif state.caller_name:
            lead = sentence("hello_named", name=state.caller_name)
        else:
            lead = SENTENCES["smalltalk"]
        if state.phase in (Phase.CHOOSING, Phase.OFFERING):
            return self._moves.again()
        return self._moves.listen(f"{lead} {self._moves.own('help')}")

    def _clarify(self, decision: Decision, now: datetime) -> list[Step]:
        state = self._state
        found = [self._directory.target(c) for c in decision.candidates]
        targets = [target for target in found if target is not None]
        if targets and not state.clarified:
            return self._moves.ask_which(targets, decision.intent is Intent.MESSAGE)
        if targets:
            return self._moves.to_person(now, "still unsure after asking")
        if LABEL_NO_EXTENSION in decision.labels:
            lead = f"{SENTENCES['no_such_extension']} {SENTENCES['whom']}"
            return self.misunderstood(now, lead)
        return self.misunderstood(now)

    def misunderstood(self, now: datetime, text: str = "") -> list[Step]:
        """One failure: ask again. Two in a row: a person."""
        state = self._state
        state.failures += 1
        if state.failures >= MAX_FAILURES:
            return self._moves.to_person(now, "not understood twice")
        if state.phase is Phase.INTAKE and state.intake is not None:
            return self._moves.ask_form(state.intake, SENTENCES["intake_again"])
        if state.phase is Phase.MENU:
            return self._moves.again()
        if state.phase in (Phase.CHOOSING, Phase.OFFERING):
            return self._moves.again(SENTENCES["intake_again"])
        return self._moves.listen(text or prompts.not_understood(self._directory))

    def not_connected(self, result: TransferResult, now: datetime) -> list[Step]:
        """Nobody took the call: say why and go on."""
        state, moves = self._state, self._moves
        tried = self._directory.target(state.target_id)
        target = tried or self._directory.operator_target
        operator = self._directory.operator_target
        if target is None:
            return moves.fall_back("nobody to connect to")
        if state.priority is Priority.EMERGENCY:
            if operator is None or state.attempts.get(operator.id, 0):
                return moves.fall_back("an emergency that nobody took")
            return moves.transfer(operator, now, SENTENCES["emergency_next"])
        whom = tried.name if tried else "that number"
        return moves.offer(target, now, prompts.not_connected(result, whom))
