"""What the appliance's database says about a call, in the words that scenarios look at."""

from appliance.calls.directory import Directory
from appliance.calls.errors import StorageError
from appliance.events.reader import CallRecord, DecisionRecord, call_record
from appliance.lab.account import (
    CallAccount,
    DecisionAccount,
    MessageAccount,
    TransferAccount,
    TurnAccount,
)
from appliance.storage.database import Database


class DatabaseRecords:
    """Looks calls up, for a `Runner`, which asks in a thread beside its phones."""

    def __init__(self, database: Database, directory: Directory) -> None:
        """Read the calls of one organisation."""
        self._database = database
        self._directory = directory

    def __call__(self, call_id: str) -> CallAccount | None:
        """The call's account so far; None while nothing is known, or the database is away."""
        try:
            record = call_record(self._database, self._directory.organisation_id, call_id)
        except StorageError:
            return None
        return None if record is None else self._account(record)

    def _account(self, record: CallRecord) -> CallAccount:
        return CallAccount(
            call_id=record.call.call_id,
            outcome=record.call.outcome or "",
            how=record.call.how or "",
            turns=tuple(
                TurnAccount(t.speaker, t.text, t.source, t.interrupted, t.delays_ms)
                for t in record.turns
            ),
            decisions=tuple(self._decision(decision) for decision in record.decisions),
            transfers=tuple(
                TransferAccount(t.target_name or "", t.result or "ringing", t.took_ms or 0)
                for t in record.transfers
            ),
            messages=tuple(
                MessageAccount(m.target_name, m.caller_name, m.callback_number, m.text, m.urgent)
                for m in record.messages
            ),
            recording=record.recordings[0].path if record.recordings else "",
            caller_name=record.call.caller_name or "",
        )

    def _decision(self, record: DecisionRecord) -> DecisionAccount:
        verdicts = record.decision.get("verdicts", [])
        spoke = [v for v in verdicts if v["verdict"] in {"decided", "proposed", "refused"}]
        target = self._directory.target(record.target_id)
        return DecisionAccount(
            heard=record.heard,
            intent=record.intent,
            action=record.action,
            target=target.name if target else "",
            policies=tuple(verdict["policy"] for verdict in spoke),
            reason=spoke[0]["reason"] if spoke else "",
            priority=record.priority,
            took_ms=record.took_ms,
        )
