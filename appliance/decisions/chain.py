"""The decision chain: an ordered list of small policies, each with a say in one decision.

Policies of the first stage find out what the caller wants; the first that is sure settles it, and
the rest of the stage is passed over. Policies of the second stage hold what must hold whatever was
found: certainty, opening hours, the guard. Every policy's verdict, reason and time is recorded.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from appliance.calls.decision import Action, Decision, Intent, Verdict
from appliance.calls.errors import InferenceError
from appliance.decisions.context import Asked, TurnContext


@dataclass(frozen=True, slots=True)
class Case:
    """What a policy is asked about: the turn, and the decision as far as it has come."""

    turn: TurnContext
    so_far: Decision


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one policy says.

    Attributes:
        verdict: ``decided``, ``proposed``, ``passed`` or ``refused``.
        changes: fields of the decision to set.
        settles: no later policy of the first stage is asked.
    """

    verdict: str
    reason: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    detail: Mapping[str, Any] = field(default_factory=dict)
    settles: bool = False


def passed(reason: str, **detail: Any) -> Opinion:
    """The policy has nothing to add."""
    return Opinion("passed", reason, detail=detail)


def decided(reason: str, detail: Mapping[str, Any] | None = None, **changes: Any) -> Opinion:
    """The policy is sure."""
    return Opinion("decided", reason, changes, detail or {}, settles=True)


def proposed(reason: str, detail: Mapping[str, Any] | None = None, **changes: Any) -> Opinion:
    """The policy adds something; others may still decide."""
    return Opinion("proposed", reason, changes, detail or {})


def refused(reason: str, detail: Mapping[str, Any] | None = None, **changes: Any) -> Opinion:
    """The policy forbids what was asked or proposed."""
    return Opinion("refused", reason, changes, detail or {}, settles=True)


class Policy(Protocol):
    """One rule or one opinion, in one file.

    Attributes:
        name: in verdicts.
        limits: second stage; asked even when the intent is settled.
        in_dictation: also asked while the caller dictates a name, a number or a message.
    """

    name: str
    limits: bool
    in_dictation: bool

    def consider(self, case: Case) -> Opinion:
        """Say what this policy makes of a turn.

        Raises:
            InferenceError: the policy needs a model and the model did not answer.
        """
        ...


class DecisionChain:
    """Asks the policies in order. Holds no state of any call: one chain serves them all."""

    def __init__(
        self, policies: Sequence[Policy], monotonic: Callable[[], float] = time.perf_counter
    ) -> None:
        """Use ``policies`` in this order; ``monotonic`` (seconds) only measures them."""
        self.policies = tuple(policies)
        self._monotonic = monotonic

    def decide(self, turn: TurnContext) -> Decision:
        """Answer one turn. Never raises because a model failed: that is one verdict of many."""
        began = self._monotonic()
        dictating = turn.asked is Asked.DICTATION
        decision = Decision(
            heard=turn.text,
            intent=Intent.MESSAGE if dictating else Intent.UNKNOWN,
            action=Action.TAKE_MESSAGE if dictating else Action.CLARIFY,
            priority=turn.priority,
            confidence=turn.confidence if dictating else 0.0,
            directory_version=turn.directory.version,
        )
        verdicts: list[Verdict] = []
        settled_by = ""
        for policy in self.policies:
            started = self._monotonic()
            opinion = self._ask(policy, turn, decision, settled_by)
            took_ms = (self._monotonic() - started) * 1000
            if opinion.changes:
                decision = replace(decision, **opinion.changes)
            if opinion.settles and not policy.limits:
                settled_by = policy.name
            verdicts.append(
                Verdict(policy.name, opinion.verdict, opinion.reason, took_ms, opinion.detail)
            )
        took_ms = (self._monotonic() - began) * 1000
        return replace(decision, verdicts=tuple(verdicts), took_ms=took_ms)

    def _ask(self, policy: Policy, turn: TurnContext, so_far: Decision, settled_by: str) -> Opinion:
        if settled_by and not policy.limits:
            return passed(f"settled by {settled_by}")
        if turn.asked is Asked.DICTATION and not policy.in_dictation and not policy.limits:
            return passed("the caller is dictating")
        try:
            return policy.consider(Case(turn, so_far))
        except InferenceError as error:
            return Opinion("failed", str(error) or error.code, detail={"error": error.code})
