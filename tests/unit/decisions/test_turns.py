"""A table of turns: what callers say, and what the chain must make of it, without any model."""

import pytest

from appliance.calls.decision import Decision
from appliance.decisions.chain import DecisionChain
from appliance.decisions.context import TurnContext
from appliance.decisions.policies import standard_policies
from tests.unit.decisions.front_desk import WEDNESDAY, front_desk

DIRECTORY = front_desk()
CHAIN = DecisionChain(standard_policies())

# said | action | target or candidates (with commas), - for none | intent
TURNS = """
i would like to speak with billing|transfer|billing|transfer
could i speak with technical support|transfer|support|transfer
can you put me through to support please|transfer|support|transfer
billing please|transfer|billing|transfer
sales|transfer|sales|transfer
the accounts department please|transfer|billing|transfer
i need to talk with somebody at the pharmacy|transfer|pharmacy|transfer
someone in billing|transfer|billing|transfer
let me speak to whoever is at reception|transfer|reception|transfer
please put me on with the support team|transfer|support|transfer
connect me to the front desk|transfer|reception|transfer
i'd like Billing, please.|transfer|billing|transfer
BILLING!|transfer|billing|transfer
um yeah hi uh sales please|transfer|sales|transfer
can i speak to alice please|transfer|alice|transfer
is john smith available|transfer|john-smith|transfer
may i speak with doctor lee|transfer|lee|transfer
i am calling for tobias|transfer|tobias|transfer
i am looking for lucia|transfer|lucia|transfer
hey there is tobias in today by any chance|transfer|tobias|transfer
yes good morning i'd love to speak with lucia if she is free|transfer|lucia|transfer
can you get ms philips on the line for me|transfer|katherine|transfer
hi could you please connect me with mr renner|transfer|tobias|transfer
is doctor marchetti in the office|transfer|lucia|transfer
missus green please|transfer|emma|transfer
mrs green|transfer|emma|transfer
tobias renner it's quite urgent|transfer|tobias|transfer
bob|transfer|bob|transfer
robert miller please|transfer|bob|transfer
marchetti|transfer|lucia|transfer
can i have a word with toby as renner|transfer|tobias|transfer
i'd like to speak with lusia marketti|transfer|lucia|transfer
catherine fillips please|transfer|katherine|transfer
can i speak to jon smyth|transfer|john-smith|transfer
can i talk to will|transfer|will|transfer
will you be there tomorrow|clarify|-|unknown
i want to talk to alice in billing|transfer|alice|transfer
alice about my invoice|transfer|alice|transfer
no not billing sales|transfer|sales|transfer
billing no wait i mean sales|transfer|sales|transfer
i never asked for billing i want sales|transfer|sales|transfer
no not alice it should be doctor lee|transfer|lee|transfer
billing no sorry i mean sales|transfer|sales|transfer
is john there tomorrow|clarify|john-smith,john-doe|transfer
can i speak to john|clarify|john-smith,john-doe|transfer
sales or billing|clarify|billing,sales|transfer
can i speak to anna brown|clarify|alice|unknown
i am calling about my invoice|transfer|billing|transfer
i have a question about my refund|transfer|billing|transfer
i have two unpaid invoices here|transfer|billing|transfer
i was charged twice|transfer|billing|transfer
um yeah i got a bill that looks wrong|transfer|billing|transfer
where is my order|transfer|sales|transfer
i ordered two boxes on monday|transfer|sales|transfer
i forgot my password|transfer|support|transfer
my internet is not working can you help me|transfer|support|transfer
my phone is broken|transfer|support|transfer
i cannot log in|transfer|support|transfer
my computer shows an error and i can't log in|transfer|support|transfer
there is a problem with my prescription|transfer|pharmacy|transfer
this is john smith calling about my invoice|transfer|billing|transfer
good morning this is john smith calling for alice|transfer|alice|transfer
it's bob miller here can i talk to sales|transfer|sales|transfer
hello this is alice|answer|-|smalltalk
good morning this is john smith|answer|-|smalltalk
my name is tobias renner|answer|-|smalltalk
this is susan calling from sales|answer|-|smalltalk
i am alice brown|answer|-|smalltalk
i want to speak to a real person|transfer|reception|operator
can i talk to a human|transfer|reception|operator
i would really like to talk with a human being please|transfer|reception|operator
operator|transfer|reception|operator
i want to talk to the manager|transfer|reception|operator
i want to speak to someone|transfer|reception|operator
is anybody there|transfer|reception|operator
this is urgent|transfer|reception|operator
it is very urgent|transfer|reception|operator
extension two zero three|transfer|sales|transfer
extension two zero four please|transfer|support|transfer
can i have extension two two one|transfer|alice|transfer
two two one|transfer|alice|transfer
dial two four eight please|transfer|emma|transfer
hello i want extension 227|transfer|lucia|transfer
two hundred and twenty one please|transfer|alice|transfer
extension double two five|transfer|lee|transfer
extension nine nine eight|clarify|-|unknown
leave a message for alice|take_message|alice|message
can i leave a message for bob|take_message|bob|message
i would like to leave a message for sales|take_message|sales|message
please tell alice to call me back|take_message|alice|message
please ask john smith to call me tomorrow morning|take_message|john-smith|message
can alice call me back at four|take_message|alice|message
could you tell lucia i'm running late|take_message|lucia|message
i'd like to leave a note for tobias|take_message|tobias|message
please have mrs green phone me when she can|take_message|emma|message
can somebody call me back tomorrow|take_message|-|message
i want to leave a voice message|take_message|-|message
please call me back at two zero one five five one two|take_message|-|message
leave a message for john|clarify|john-smith,john-doe|message
i got a message from alice|transfer|alice|transfer
what are your opening hours|answer|-|hours
what time do you open tomorrow|answer|-|hours
what time do you close today|answer|-|hours
are you open on sunday|answer|-|hours
when do you open|answer|-|hours
what time are you guys open till|answer|-|hours
do you know when you close tonight|answer|-|hours
are you open right now|answer|-|hours
what time does technical support close|answer|support|hours
i want to open an account|transfer|billing|transfer
i would like to make an appointment for monday|transfer|reception|appointment
i would like to make an appointment with doctor lee on monday|transfer|lee|appointment
i need to cancel my appointment on friday|transfer|reception|appointment
can i move my appointment to monday at four|transfer|reception|appointment
can i book an appointment tomorrow morning|transfer|reception|appointment
this is an emergency|transfer|emma|emergency
i need an ambulance|transfer|emma|emergency
there is a fire|transfer|emma|emergency
please help me|transfer|emma|emergency
i need a doctor now|transfer|emma|emergency
dial nine one one|transfer|emma|emergency
can you help me with my order|transfer|sales|transfer
can you repeat that please|repeat|-|repeat
sorry could you repeat that please|repeat|-|repeat
i couldn't hear you what did you say|repeat|-|repeat
can you say it one more time|repeat|-|repeat
sorry i did not understand|repeat|-|repeat
please speak slowly|repeat|-|repeat
goodbye|hang_up|-|goodbye
thank you goodbye|hang_up|-|goodbye
okay thanks goodbye|hang_up|-|goodbye
that's all i needed bye|hang_up|-|goodbye
thank you have a great day|hang_up|-|goodbye
i will call back tomorrow|hang_up|-|goodbye
thank you very much|answer|-|smalltalk
okay that is all|hang_up|-|goodbye
human resources|clarify|-|unknown
at four thirty|clarify|-|unknown
the technical people please|clarify|-|unknown
hello|answer|-|smalltalk
hi good morning|answer|-|smalltalk
hello how are you today|answer|-|smalltalk
am i talking to a robot|answer|-|smalltalk
are you a robot|answer|-|smalltalk
do you speak english|answer|-|smalltalk
just a second|answer|-|smalltalk
one moment please|answer|-|smalltalk
yes|answer|-|confirm_yes
yes please|answer|-|confirm_yes
yeah sure|answer|-|confirm_yes
yes that is correct|answer|-|confirm_yes
no|answer|-|confirm_no
no thank you|answer|-|confirm_no
no that is wrong|answer|-|confirm_no
never mind|answer|-|confirm_no
dial nine for an outside line|answer|-|unknown
give me an outside line please|answer|-|unknown
dial zero zero four four one two three four five|answer|-|unknown
transfer me to nine zero one one four four two zero seven|answer|-|unknown
connect me to five five five one two three four five six seven|answer|-|unknown
can i speak to margaret hollister|clarify|-|unknown
is there a plumber called steve there|clarify|-|unknown
put me through to the marine biology department|clarify|-|unknown
the weather in paris is blue bananas|clarify|-|unknown
what is five times nine|clarify|-|unknown
my number is two zero one five five one two|clarify|-|unknown
where are you located|clarify|-|unknown
i do not know|clarify|-|unknown
i tobias need a copy of my invoice|transfer|billing|transfer
sorry i did lee understand|clarify|lee|unknown
please goodbye me|clarify|-|unknown
when bye you open|answer|-|hours
today name is doctor lee|clarify|-|unknown
"""
ROWS = [row.split("|") for row in TURNS.strip().splitlines()]


def decide(text: str, confidence: float = 0.95) -> Decision:
    return CHAIN.decide(TurnContext(text, DIRECTORY, WEDNESDAY, confidence))


@pytest.mark.parametrize(("said", "action", "target", "intent"), ROWS, ids=[r[0] for r in ROWS])
def test_turn(said: str, action: str, target: str, intent: str) -> None:
    decision = decide(said)
    chosen = decision.target_id or ",".join(decision.candidates) or "-"
    if decision.action == "clarify":
        chosen = ",".join(sorted(chosen.split(",")))
        target = ",".join(sorted(target.split(",")))
    assert (decision.action, chosen, decision.intent) == (action, target, intent), decision.verdicts


def test_the_table_is_large_enough_to_mean_something() -> None:
    assert len(ROWS) >= 120


@pytest.mark.parametrize("row", ROWS, ids=[r[0] for r in ROWS])
def test_every_policy_has_its_say_in_the_record(row: list[str]) -> None:
    decision = decide(row[0])
    assert [verdict.policy for verdict in decision.verdicts] == [p.name for p in CHAIN.policies]
    assert all(verdict.reason and verdict.took_ms >= 0 for verdict in decision.verdicts)
    assert decision.directory_version == "v1"
    assert decision.heard == row[0]
