"""What the appliance can do next in a conversation. Each move changes the state and gives steps."""

from datetime import datetime

from appliance.calls.decision import Priority
from appliance.calls.directory import Directory, Persona, Target
from appliance.calls.events import Outcome
from appliance.calls.outside import OutsideLine
from appliance.calls.transfer import TransferMode, TransferResult
from appliance.dialogue import prompts
from appliance.dialogue.intake import Intake
from appliance.dialogue.prompts import SENTENCES, menu_text, sentence
from appliance.dialogue.state import Phase, State
from appliance.dialogue.steps import Expect, FallBack, HangUp, SaveMessage, Say, Step, Transfer

# One target is not rung for ever by a caller who says "try again" each time.
MAX_ATTEMPTS = 3


class Moves:
    """The moves on one conversation's state. ``now`` is time-zone aware everywhere."""

    def __init__(self, state: State, directory: Directory, persona: Persona) -> None:
        """Act on ``state`` for callers of ``directory``, who are answered by ``persona``."""
        self.state = state
        self.directory = directory
        self.persona = persona

    def own(self, key: str) -> str:
        """A sentence as the persona says it."""
        return prompts.own(self.persona, key)

    def say(self, text: str, expect: Expect = "open", interruptible: bool = True) -> Say:
        """Say something and remember it for "could you repeat that"."""
        self.state.last_said, self.state.last_expect = text, expect
        self.state.remember("appliance", text)
        return Say(text, interruptible, expect)

    def again(self, lead: str = "") -> list[Step]:
        """Say the last sentence once more; the way back into any question."""
        state = self.state
        text = state.last_said or self.own("help")
        state.remember("appliance", text)
        return [Say(f"{lead} {text}".strip(), True, state.last_expect)]

    def listen(self, text: str) -> list[Step]:
        """Say something and wait for a request."""
        self.state.phase = Phase.LISTENING
        return [self.say(text)]

    def anything_else(self, lead: str) -> list[Step]:
        """After something was done."""
        self.state.phase = Phase.ANYTHING_ELSE
        self.state.clarified = False
        return [self.say(f"{lead} {self.own('anything_else')}", "closed")]

    def ask_which(self, targets: list[Target], for_message: bool) -> list[Step]:
        """The one clarifying question."""
        state = self.state
        state.phase, state.clarified, state.for_message = Phase.CHOOSING, True, for_message
        state.candidates = [target.id for target in targets]
        return [self.say(prompts.choices(targets), "closed")]

    def transfer(self, target: Target | OutsideLine, now: datetime, lead: str = "") -> list[Step]:
        """Ring a target, with a sentence for either side."""
        state = self.state
        tried = state.attempts.get(target.id, 0)
        urgent = state.priority is Priority.EMERGENCY
        if tried >= MAX_ATTEMPTS and not isinstance(target, OutsideLine):
            if urgent:
                return self.fall_back("an emergency, and who takes them was tried")
            return self.offer(
                target, now, prompts.not_connected(TransferResult.NO_ANSWER, target.name)
            )
        state.attempts[target.id] = tried + 1
        state.phase, state.target_id = Phase.TRANSFERRING, target.id
        state.failures = state.silences = 0
        operator = self.directory.operator_target
        key = "connecting_operator" if operator and operator.id == target.id else "connecting"
        meanwhile = SENTENCES["emergency"] if urgent else sentence(key, target=target.name)
        meanwhile = f"{lead} {meanwhile}".strip()
        state.last_said, state.last_expect = SENTENCES["still_connecting"], "open"
        state.remember("appliance", meanwhile)
        # An emergency is never let go of: a blind transfer could not come back.
        mode = TransferMode.ATTENDED if urgent else target.transfer_mode
        return [Transfer(target.id, mode, self.announcement(target), meanwhile)]

    def announcement(self, target: Target | OutsideLine) -> str:
        """What whoever answers hears before the caller."""
        state = self.state
        caller = prompts.caller(state.caller_name, state.caller_number)
        if state.priority is Priority.EMERGENCY:
            return sentence("announce_emergency", caller=caller)
        key = "announce_urgent" if state.priority is Priority.HIGH else "announce"
        slots = {"target": target.name, "caller": caller}
        about = prompts.about(state.topic)
        return prompts.SENTENCES[key].format(
            about=about, **{k: prompts.safe(v) for k, v in slots.items()}
        )

    def to_person(self, now: datetime, reason: str) -> list[Step]:
        """The way out: the operator, or the dialplan when the operator cannot be had."""
        target = self.directory.operator_target
        state = self.state
        if target is None or not self.directory.hours_of(target).is_open(now):
            return self.fall_back(reason)
        if state.attempts.get(target.id, 0):
            return self.fall_back(f"{reason}, and the operator was tried")
        return self.transfer(target, now)

    def offer(self, target: Target, now: datetime, lead: str) -> list[Step]:
        """Nobody was reached: offer what else there is."""
        state = self.state
        operator = self.directory.operator_target
        if state.broken:
            if operator is None or operator.id == target.id or state.attempts.get(operator.id, 0):
                return self.fall_back("nobody was reached and nothing can be understood")
            return self.menu(lead)
        state.phase, state.target_id, state.candidates = Phase.OFFERING, target.id, [target.id]
        others = operator is not None and operator.id != target.id
        if others and operator and self.directory.hours_of(operator).is_open(now):
            return [self.say(f"{lead} {SENTENCES['offer']}")]
        return [self.say(f"{lead} {SENTENCES['offer_message']}", "closed")]

    def menu(self, lead: str) -> list[Step]:
        """Read the keypad menu."""
        self.state.phase = Phase.MENU
        return [self.say(f"{lead} {menu_text(self.directory)}".strip(), "digits")]

    def take_message(self, target: Target, lead: str = "") -> list[Step]:
        """Start the message form."""
        state = self.state
        if state.broken:
            return self.fall_back("a message, and nothing can be understood")
        state.phase, state.target_id, state.clarified = Phase.INTAKE, target.id, False
        state.intake = Intake.begin(target.id, state.caller_name, state.caller_number)
        lead = f"{lead} {sentence('intake_for', target=target.name)}".strip()
        return self.ask_form(state.intake, lead)

    def ask_form(self, form: Intake, lead: str = "") -> list[Step]:
        """Ask for the form's present field."""
        question = form.question()
        said = self.say(question, form.expect)
        return [Say(f"{lead} {question}", True, said.expect)] if lead else [said]

    def save(self, form: Intake) -> list[Step]:
        """Keep the message and go on."""
        state = self.state
        target = self.directory.target(form.target_id) or self.directory.operator_target
        name = target.name if target else ""
        urgent = state.priority in (Priority.HIGH, Priority.EMERGENCY)
        state.caller_name = state.caller_name or form.name
        state.intake, state.message_saved = None, True
        saved = SaveMessage(
            target.id if target else "", name, form.name, form.number, form.text, urgent
        )
        return [saved, *self.anything_else(sentence("saved", target=name))]

    def goodbye(self, how: str) -> list[Step]:
        """End the call in friendship."""
        outcome = self.outcome()
        self.state.phase, self.state.ended = Phase.ENDED, (outcome.value, how)
        return [self.say(self.own("goodbye"), interruptible=False), HangUp(outcome, how)]

    def outcome(self) -> Outcome:
        """What the call came to, when nobody was connected."""
        if self.state.message_saved:
            return Outcome.MESSAGE_TAKEN
        return Outcome.INFORMED if self.state.informed else Outcome.CALLER_HUNG_UP

    def fall_back(self, reason: str, words: str = SENTENCES["handing_over"]) -> list[Step]:
        """Leave the caller to the dialplan, which always ends with somebody or a voicemail."""
        self.state.phase = Phase.ENDED
        self.state.ended = (Outcome.FELL_BACK.value, reason)
        return [self.say(words, interruptible=False), FallBack(reason)]
