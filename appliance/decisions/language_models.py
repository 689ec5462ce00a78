"""Several language models in a row: the first that is well proposes. Below them are the rules."""

import re
from collections.abc import Sequence

from appliance.decisions.language_model import (
    LanguageModel,
    Proposal,
    ProposalRefusedError,
    ProposalRequest,
)
from appliance.speech.chain import Rung, first_answer

STAGE = "language_model"
LAST_RESORT = "rules"
# What chat templates and template languages are made of. A model that writes it is not answering.
_TEMPLATE = re.compile(r"<\|?/?(?:im_|s>|eot|end|start)|\|>|\{\{|\{%|\[/?INST\]|<<SYS>>")


class LanguageModelChain:
    """A `LanguageModel` out of several.

    Args:
        timeout_s: for all together. Each model has a limit of its own beside.
    """

    def __init__(self, models: Sequence[Rung[LanguageModel]], timeout_s: float) -> None:
        self._models = tuple(models)
        self._timeout_s = timeout_s

    def propose(self, request: ProposalRequest) -> Proposal:
        """See `LanguageModel.propose`."""

        def ask(model: LanguageModel, _: float) -> Proposal:
            proposal = model.propose(request)
            if _TEMPLATE.search(proposal.raw):
                raise ProposalRefusedError("the answer has a template's marks in it", proposal.raw)
            return proposal

        return first_answer(STAGE, self._models, ask, self._timeout_s, LAST_RESORT)
