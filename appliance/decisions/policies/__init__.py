"""One policy per file, and the order they are asked in."""

from appliance.decisions.chain import Policy
from appliance.decisions.language_model import LanguageModel
from appliance.decisions.policies.appointment import Appointment
from appliance.decisions.policies.asks_for_person import AsksForPerson
from appliance.decisions.policies.certainty import Certainty
from appliance.decisions.policies.choice import Choice
from appliance.decisions.policies.closed_answers import ClosedAnswers, LeadingAnswer
from appliance.decisions.policies.closed_hours import ClosedHours
from appliance.decisions.policies.directory_match import DirectoryMatch
from appliance.decisions.policies.emergency import Emergency
from appliance.decisions.policies.extension import Extension
from appliance.decisions.policies.guard import Guard
from appliance.decisions.policies.keypad import Keypad
from appliance.decisions.policies.messages import Messages
from appliance.decisions.policies.model_proposal import ModelProposal
from appliance.decisions.policies.opening_hours import OpeningHoursQuestion
from appliance.decisions.policies.outside_line import OutsideLine
from appliance.decisions.policies.urgency import Urgency
from appliance.decisions.wishes import WishModel


def standard_policies(
    model: LanguageModel | None = None,
    wishes: WishModel | None = None,
) -> list[Policy]:
    """The chain as shipped. Without a model the rules decide alone.

    Args:
        model: asked for what the rules leave open.
        wishes: tells what is wanted, beside the starter decider or without any language model. A
            large language model knows better and needs none.
    """
    rules: list[Policy] = [
        Emergency(),
        OutsideLine(),
        Urgency(),
        Keypad(),
        Choice(),
        ClosedAnswers(),
        Messages(),
        OpeningHoursQuestion(),
        Extension(),
        Appointment(),
        DirectoryMatch(model_follows=bool(model or wishes)),
        AsksForPerson(),
        LeadingAnswer(),
    ]
    proposals: list[Policy] = [ModelProposal(model, wishes)] if model or wishes else []
    return [*rules, *proposals, Certainty(), ClosedHours(), Guard()]
