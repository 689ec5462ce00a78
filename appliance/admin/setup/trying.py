"""A sentence through the decision chain, without a call: what would be done about it, and why."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from appliance.admin.services import SERVICES
from appliance.calls.decision import Decision
from appliance.calls.directory import Directory
from appliance.decisions.chain import DecisionChain
from appliance.decisions.context import TurnContext
from appliance.decisions.language_model import HttpLanguageModel
from appliance.decisions.policies import standard_policies
from appliance.decisions.wishes import WishModel
from appliance.inference.client import InferenceClient

_PATIENCE_S = 2.0
_MODEL_POLICY = "language_model"


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of it.

    Attributes:
        targets: names by id, for the target and the candidates.
        rules_alone: why the language model had no say though it was wanted; empty when it had, or
            when the rules settled the matter before it was asked.
    """

    decision: Decision
    targets: dict[str, str]
    open_now: bool
    at: datetime
    rules_alone: str


class Rehearsal:
    """The chain as calls meet it. Safe to use from several threads.

    Args:
        url: of the model server; empty for the rules alone.
        wishes: tells what is wanted, where calls have it too.
    """

    def __init__(self, url: str, wishes: WishModel | None = None) -> None:
        self._client = InferenceClient(url) if url else None
        model = HttpLanguageModel(self._client, timeout_s=_PATIENCE_S) if self._client else None
        self._chain = DecisionChain(standard_policies(model, wishes=wishes))

    def decide(self, directory: Directory, text: str, at: datetime) -> Tried:
        """Decide about a first sentence of a call, as if it were ``at`` (time-zone aware).

        Asks the model server, so it takes up to two seconds.
        """
        turn = TurnContext(text=text, directory=directory, now=at)
        decision = self._chain.decide(turn)
        return Tried(
            decision=decision,
            targets={target.id: target.name for target in directory.targets()},
            open_now=turn.open_now,
            at=at,
            rules_alone=self._rules_alone(decision),
        )

    def _rules_alone(self, decision: Decision) -> str:
        if self._client is None:
            return "No model server is set, so the rules decided alone."
        for verdict in decision.verdicts:
            if verdict.policy == _MODEL_POLICY and verdict.verdict == "failed":
                return "The language model gave no answer, so the rules decided alone."
        return ""

    def close(self) -> None:
        """Close the connections to the model server."""
        if self._client is not None:
            self._client.close()


REHEARSAL: web.AppKey[Rehearsal] = web.AppKey("rehearsal", Rehearsal)


async def rehearsing(app: web.Application) -> AsyncIterator[None]:
    """Keeps a chain for as long as the application runs."""
    config = app[SERVICES].config
    rehearsal = Rehearsal(config.inference_url, config.wishes)
    app[REHEARSAL] = rehearsal
    yield
    rehearsal.close()
