"""Telling a call's record as it grows: what the appliance says, understands, decides and does."""

from collections.abc import Callable

from appliance.lab.account import CallAccount, DecisionAccount

Tell = Callable[[str, str], None]


class Narrator:
    """Tells each turn, decision, transfer and message of one call once."""

    def __init__(self, tell: Tell) -> None:
        """``tell`` gets who and what."""
        self._tell = tell
        self._turns = self._decisions = self._messages = 0
        self._results: list[str] = []

    def tell(self, account: CallAccount | None) -> None:
        """Tell what is new since the last time."""
        if account is None:
            return
        for turn in account.turns[self._turns :]:
            if turn.speaker == "caller":
                self._tell("appliance", f'understands "{turn.text}"{_delays(turn.delays_ms)}')
            else:
                to = " to the desk" if turn.speaker == "desk" else ""
                cut = " (interrupted)" if turn.interrupted else ""
                self._tell("appliance", f'says{to} "{turn.text}"{cut}{_delays(turn.delays_ms)}')
        for decision in account.decisions[self._decisions :]:
            self._tell("appliance", _told(decision))
        for index, transfer in enumerate(account.transfers):
            if self._results[index : index + 1] != [transfer.result]:
                self._tell("appliance", f"transfer to {transfer.target}: {transfer.result}")
        for message in account.messages[self._messages :]:
            self._tell("appliance", f'takes a message for {message.target}: "{message.text}"')
        self._turns = len(account.turns)
        self._decisions = len(account.decisions)
        self._results = [transfer.result for transfer in account.transfers]
        self._messages = len(account.messages)


def _delays(delays_ms: object) -> str:
    if not isinstance(delays_ms, dict) or not delays_ms:
        return ""
    return " [" + ", ".join(f"{stage} {ms:.0f} ms" for stage, ms in delays_ms.items()) + "]"


def _told(decision: DecisionAccount) -> str:
    target = f" {decision.target}" if decision.target else ""
    why = f" because {decision.reason}" if decision.reason else ""
    by = f" ({', '.join(decision.policies)})" if decision.policies else ""
    return f"decides: {decision.intent}, {decision.action}{target}{why}{by}"
