"""Sentences of a receptionist's callers, with slots; every word of them is in the lexicon."""

import random
from typing import Final

from models.training.speech.lexicon import words_of

THINGS: Final = words_of(
    """
    invoice order account appointment delivery bill payment refund password contract reservation
    prescription booking subscription insurance card package phone internet letter website computer
    ticket repair email
    """
)
TROUBLES: Final = (
    "my internet is not working", "my phone is broken", "i forgot my password", "i cannot log in",
    "my payment failed", "my order is late", "i was charged twice", "the line is very bad",
    "there is a problem with my {thing}", "i lost my card", "i need help with my {thing}",
    "my {thing} is wrong", "my {thing} is not working", "i never received my {thing}",
    "something is wrong with my {thing}", "i can't find my {thing}", "my {thing} is lost",
    "there is water in my office", "my computer is broken again",
    "i don't understand my {thing}", "the price of my {thing} is wrong",
)  # fmt: skip

_TEMPLATES: Final = tuple(
    """i would like to speak with {dept}
    i would like to speak to {name}
    i would like to speak to {name} please
    i'd like to speak to {name}
    i'd like to talk to someone in {dept}
    i want to talk to {dept} please
    i need to speak to someone about my {thing}
    can i speak to {name} please
    can i speak to someone in {dept}
    could i speak with {dept}
    could i speak to {name} please
    can you put me through to {name}
    can you put me through to {dept} please
    put me through to {name}
    please transfer me to {dept}
    please connect me to {name}
    could you connect me with {dept}
    can you connect me with {name} please
    transfer me to {dept}
    give me {dept} please
    is {name} available
    is {name} in the office {day}
    is {name} there {day}
    may i speak with {name}
    may i speak to {dept} please
    i am calling for {name}
    i'm calling for {name}
    i am looking for {name}
    i'm looking for {dept}
    i need {dept}
    {dept} please
    {name} please
    {dept}
    hello this is {name}
    hello i'm calling about my {thing}
    hello i need to speak to {name}
    hello can i speak to {name}
    hi can you put me through to {dept}
    hi this is {name} from {dept}
    good {part} this is {name}
    good {part} can i speak to {name} please
    my name is {name}
    my name is {name} and i have an appointment {day}
    this is {name} calling from {dept}
    this is {name} calling about my {thing}
    i am calling about my {thing}
    i'm calling about the {thing} from {month}
    i have a question about my {thing}
    i've got a question about my {thing}
    i have a question about the {thing} you sent me
    i need to change my {thing}
    i want to cancel my {thing}
    i'd like to cancel my {thing} please
    i would like to check the status of my {thing}
    where is my {thing}
    what is the status of my {thing}
    i need a copy of my {thing}
    i would like to get a copy of my {thing} by email
    can you help me with my {thing}
    can someone help me with my {thing}
    who can i talk to about my {thing}
    {trouble}
    {trouble} can you help me
    hello {trouble}
    leave a message for {name}
    can i leave a message for {name}
    i would like to leave a message for {name}
    i'd like to leave a message for {dept}
    please take a message for {name}
    please tell {name} to call me back
    please tell {name} that i called
    please tell {name} that i am late
    please tell {name} that my {thing} is not working
    please tell {name} i will be there at {time}
    please ask {name} to call me {day} {part}
    can you ask {name} to call me back
    can you call me back {day}
    can {name} call me back at {time}
    please call me back at {digits}
    please call me back {day} {part}
    the message is that i will be late {day}
    my number is {digits} {digits}
    my phone number is {digits} {digits}
    you can reach me at {digits} {digits}
    my account number is {digits} {digits}
    the order number is {digits} {digits}
    extension {digits}
    extension {digits} please
    can i have extension {digits}
    yes
    yes please
    no
    no thank you
    no thanks
    yes that is correct
    yes that's right
    no that is wrong
    no that's not right
    that is right
    that is not correct
    yes that is fine
    yes you can
    no not now
    okay
    okay thank you
    okay that is all
    thank you
    thank you very much
    thank you goodbye
    thanks bye
    goodbye
    bye
    hello
    hi
    what are your opening hours
    what are your hours on {day}
    what time do you open {day}
    what time do you close {day}
    what time do you close on {day}
    are you open on {day}
    are you open {day} {part}
    when do you open
    when do you close {day}
    when will you be open again
    where are you located
    where is the office
    what is your address
    what's your email address
    how do i get there
    how much does it cost
    how much is the {thing}
    how long will it take
    is there parking at the office
    do you have parking
    this is an emergency
    this is urgent
    it is very urgent
    it's urgent please help me
    i need an ambulance
    please send an ambulance
    there is a fire
    there is a fire in the building
    please help me
    someone is hurt
    i need a doctor now
    i don't feel well
    i would like to make an appointment for {day}
    i'd like to make an appointment with {name}
    i would like to make an appointment with {name} on {day}
    i need an appointment with {dept} {day} {part}
    can i book an appointment {day} {part}
    can i see {name} {day} at {time}
    i need to cancel my appointment on {day}
    i need to move my appointment from {day} to {day}
    can i move my appointment to {day} at {time}
    my appointment is at {time} on {day}
    i want to confirm my appointment on {month} {number}
    i have an appointment on {month} {number} at {time}
    my date is {month} {number}
    how about {day} at {time}
    {day} {part} is fine
    {day} at {time} please
    {day} at {time}
    at {time}
    {month} {number}
    next {day}
    next week on {day}
    can we meet {day} at {time}
    i can wait
    i will wait
    i'll hold
    i will call back {day}
    i'll call again {day}
    i've been waiting for {number} minutes
    can you repeat that please
    sorry i did not understand
    could you say that again
    i can't hear you
    please speak slowly
    i do not know
    i don't know
    i'm not sure
    i want to speak to a real person
    can i talk to a human
    i want to talk to a person please
    are you a robot
    are you a real person
    do you speak english
    my invoice is for {number} dollars
    my bill is {number} dollars
    i paid {number} dollars {day}
    i ordered {number} boxes on {day}
    i ordered {number} {month} {number}
    the price was {number} dollars
    i live at {number} {name} street
    my address is {number} {name} road
    press {digits}
    option {digits}
    never mind
    one moment please
    hold on please
    wait a minute
    just a second
    what was the name again
    who is this
    who are you
    why was i charged {number} dollars
    i want my money back
    i would like to pay my {thing}
    can i pay by card
    can i pay my {thing} by credit card
    what should i do
    how can i pay
    can you send it to my email address
    do you have my test results
    i need my test results from {day}
    i'm here to see {name}
    i have a meeting with {name} at {time}
    i have a delivery for {name}
    there is a package for {dept}
    did you get my {thing}
    yeah that is right
    yeah sure go ahead
    of course
    alright then
    okay great thank you
    absolutely
    maybe later
    i think so
    let me think
    yes please go ahead
    no that's all thanks
    nothing else thank you
    that works for me
    it's regarding my {thing}
    i wanted to talk about my {thing}
    i wanted to ask about the last {thing}
    i am trying to contact {name}
    i'm trying to get through to {dept}
    i said {name} not {name}
    i said {dept} not {dept}
    there's a mistake in my {thing}
    there's smoke in the hospital
    i can smell gas in the house
    my mother is in a lot of pain
    my father is hurt and i need an ambulance
    my wife needs an appointment {day}
    my husband has an appointment {day} at {time}
    call the police
    i will call after {time}
    we are running late
    is anyone from {dept} there
    note that i called {day}
    it's because of my {thing} from yesterday
    my friend told me to call {name}
    is he there after {time}
    how many days until my {thing} is ready
    he's not at home before {time}
    she is not here until {day}
    has {name} left the office
    is the doctor in {day}
    when is {name} back
    will {name} be there {day}
    i spoke to {name} {day}
    {name} called me {day}
    someone called me from this number
    i tried to call {day} but no one was there""".replace("    ", "").split("\n")
)
_WEIGHTS: Final = tuple(1.0 + 1.5 * text.count("{") for text in _TEMPLATES)


def template(random_: random.Random) -> str:
    """A sentence with slots in braces; those with more slots come more often."""
    return random_.choices(_TEMPLATES, _WEIGHTS)[0]
