"""None missed, few false."""

import pytest

from appliance.decisions.policies.emergency import emergency_in
from appliance.decisions.text import plain

REAL = """
this is an emergency
it is an emergency
emergency
help my dad is not breathing
there's a fire please send help
we need an ambulance quickly someone collapsed
i need an ambulance
there is a fire
the kitchen is on fire
fire fire
please help me
help
help me please
i need a doctor now
i need help immediately
my wife is having a heart attack
he has chest pain
someone is bleeding badly
she is unconscious
i cannot breathe
i can't breathe
there is a man with a gun
he has a knife
somebody broke into the building
i smell gas
there is a gas leak
call the police
please call 911
dial nine one one
call the fire department
my son is choking
i want to kill myself
he took an overdose
i was just stabbed
there is a bomb in the building
hello yes this is john smith there is a fire in room two
no no there is a fire
it is not a joke there is a fire
this is not a drill this is an emergency
i think he is dying
this is an emergancy
we need an ambulence
my mother fell and is not responding
somebody is breaking in
there has been an accident
there was a terrible accident
the building is burning
she is having an asthma attack
he is badly injured
is there a fire yes there is a fire in the hall
it is no joke he is not breathing
my father had a heert atack
he his bleeding
there an accident in the yard
their is smoke in the hall
people or trapped under the roof
the house is actually on fire
please send the fire
a man is in the my house
somabody is dhreatening us
she has taken an oberdose
my father is dyinng
please someone is trowning
the house is purning
"""
HARMLESS = """
is there a fire exit
where is the emergency exit
there is no fire
this is not an emergency
it's not an emergency but i would like to talk to billing
no emergency just a question
i have a question about my fire insurance
i was fired last week
is there a fire drill today
the fire alarm inspection is on monday
i am calling about the ambulance bill
can you help me
can you help me with my order
i need help with my invoice
please help me with my password
what is your emergency number
who is my emergency contact
i want an emergency appointment
what do i do in case of emergency
i need a doctor
i would like to see a doctor tomorrow
i am calling from the fire department
i broke my phone
this is bunning calling
please put me through to pollie
an appointment with mister knipe
my card was broken
"""


@pytest.mark.parametrize("said", REAL.strip().splitlines())
def test_emergencies_are_heard(said: str) -> None:
    assert emergency_in(plain(said))


@pytest.mark.parametrize("said", HARMLESS.strip().splitlines())
def test_harmless_sentences_are_let_be(said: str) -> None:
    assert emergency_in(plain(said)) == ""
