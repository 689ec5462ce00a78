"""Every sentence the appliance says, in one place. Facts and names are put in by code only."""

import re
from collections.abc import Iterator

from appliance.calls.directory import Directory, Persona, Target
from appliance.calls.transfer import TransferResult
from appliance.decisions.spoken import say_digits, say_list
from appliance.dialogue.menu import menu_keys

MAX_NAME_CHARS = 60

# Whatever is in braces is a name or a number that went through `safe` or `say_digits`.
SENTENCES = {
    "help": "How can I help you?",
    "closed_help": "We are closed at the moment, but I can take a message.",
    "hello_named": "Hello {name}.",
    "introduction": "I am the automatic assistant of {organisation}.",
    "smalltalk": "Hello.",
    "take_your_time": "Take your time.",
    "anything_else": "Can I help you with anything else?",
    "all_right": "All right.",
    "whom": "Whom would you like to speak to?",
    "not_understood": "I am sorry, I did not understand. Please say a name or a department.",
    "not_understood_example": "I am sorry, I did not understand. Please say a name or a "
    "department, for example {example}.",
    "no_such_extension": "I am sorry, there is no such extension.",
    "did_you_mean": "Did you mean {choices}?",
    "connecting": "One moment, I am connecting you to {target}.",
    "connecting_operator": "One moment, I am connecting you to a person.",
    "still_connecting": "One moment please, I am still connecting you.",
    "emergency": "Stay calm. I am connecting you with help right now.",
    "emergency_next": "Stay on the line. I am trying someone else.",
    "handing_over": "One moment please, stay on the line.",
    "lines_busy": "All our lines are busy with other callers. Please stay on the line, and a "
    "colleague will be with you.",
    "offer": "Would you like to leave a message, try someone else, or speak to the operator?",
    "offer_message": "Would you like to leave a message?",
    "offer_message_for": "Would you like to leave a message for {target}?",
    "still_there": "Are you still there?",
    "still_silent": "I cannot hear you.",
    "goodbye": "Thank you for calling. Goodbye.",
    "trouble": "I am sorry, I have trouble understanding at the moment.",
    "no_audio": "I cannot hear you, but you can use the keys.",
    "interrupted": "I am sorry, we were interrupted.",
    "resume_transfer": "Shall I connect you to {target}?",
    "menu_entry": "For {target}, press {key}.",
    "menu_operator": "For a person, press 0.",
    "intake_name": "What is your name, please?",
    "intake_number": "Please say or key your number, digit by digit.",
    "intake_confirm": "I have {name}, and will have you called back on {number}. Is that right?",
    "intake_confirm_name": "I have {name}, and no number. Is that right?",
    "intake_confirm_number": "I will have you called back on {number}. Is that right?",
    "intake_which": "Is the name wrong, or the number?",
    "intake_text": "What is the message?",
    "intake_for": "I will take a message for {target}.",
    "intake_again": "I am sorry, I did not get that.",
    "saved": "Thank you. I will pass your message on to {target}.",
    "announce": "Call for {target} from {caller}{about}. Press 1 to take the call, 2 to decline.",
    "announce_urgent": "Urgent call for {target} from {caller}{about}. "
    "Press 1 to take the call, 2 to decline.",
    "announce_emergency": "Emergency call from {caller}. Press 1 to take the call, 2 to decline.",
}

# What a persona may say in words of its own, by its attributes' names.
_OWN = ("help", "closed_help", "anything_else", "goodbye")

NOT_CONNECTED = {
    TransferResult.BUSY: "{target} is on another call.",
    TransferResult.DECLINED: "{target} cannot take your call right now.",
    TransferResult.NO_ANSWER: "{target} does not answer.",
    TransferResult.NO_RESPONSE: "I could not get hold of {target}.",
    TransferResult.UNREACHABLE: "{target} cannot be reached at the moment.",
    TransferResult.NO_MEDIA: "The line to {target} is not working.",
}
NOT_CONNECTED_OTHERWISE = "I could not connect you to {target}."

_SLOT = re.compile(r"\{(\w+)\}")
_UNSPEAKABLE = re.compile(r"[^\w .,'&-]|_")


def safe(text: str, limit: int = MAX_NAME_CHARS) -> str:
    """A name that can be spoken: letters, digits and a little punctuation, at most ``limit``."""
    return " ".join(_UNSPEAKABLE.sub(" ", text[: 4 * limit]).split())[:limit].strip(" .,-")


def sentence(key: str, /, **slots: str) -> str:
    """A sentence with its names put in; each is made :func:`safe` on the way."""
    return SENTENCES[key].format(**{name: safe(text, 200) for name, text in slots.items()})


def not_connected(result: TransferResult, target: str) -> str:
    """Why the caller is still here."""
    return NOT_CONNECTED.get(result, NOT_CONNECTED_OTHERWISE).format(target=safe(target))


def own(persona: Persona, key: str) -> str:
    """One of the sentences that a persona may say in words of its own."""
    return str(getattr(persona, key)) or SENTENCES[key]


def greeting(persona: Persona, open_now: bool) -> str:
    """The first words of a call."""
    words = persona.greeting
    if not open_now:
        return f"{words} {own(persona, 'closed_help')}"
    return words if words.rstrip().endswith("?") else f"{words} {own(persona, 'help')}"


def introduction(persona: Persona, directory: Directory) -> str:
    """What the appliance says that it is."""
    house = persona.house or directory.name
    return persona.introduction or sentence("introduction", organisation=house)


def example(directory: Directory) -> str:
    """A department to name as an example; empty when there is none."""
    return next((department.name for department in directory.departments), "")


def not_understood(directory: Directory) -> str:
    """The first failure's sentence."""
    name = example(directory)
    if not name:
        return SENTENCES["not_understood"]
    return sentence("not_understood_example", example=name)


def choices(targets: list[Target]) -> str:
    """ "Did you mean John Smith or John Doe?"."""
    return sentence("did_you_mean", choices=say_list([safe(target.name) for target in targets]))


def confirm(name: str, number: str) -> str:
    """Read a form back, the number digit by digit."""
    digits = say_digits(number)
    if not digits:
        return sentence("intake_confirm_name", name=name)
    if not name:
        return sentence("intake_confirm_number", number=digits)
    return sentence("intake_confirm", name=name, number=digits)


def caller(name: str, number: str) -> str:
    """Who calls, for whoever is rung: the name they gave, else their number, else "a caller"."""
    digits = "".join(char for char in number if char in "0123456789")
    return safe(name) or (say_digits(digits) if 2 <= len(digits) <= 15 else "") or "a caller"


def about(topic: str) -> str:
    """ ", about an invoice"; empty without a topic."""
    words = safe(topic, 40)
    if not words:
        return ""
    if " " in words or words.endswith("s"):
        return f", about {words}"
    return f", about {'an' if words[0] in 'aeiou' else 'a'} {words}"


def menu_text(directory: Directory) -> str:
    """ "For Billing, press 1. ... For a person, press 0."."""
    entries = []
    for key, target_id in menu_keys(directory).items():
        target = directory.target(target_id)
        if key != "0" and target is not None:
            entries.append(sentence("menu_entry", target=target.name, key=key))
    return " ".join([*entries, SENTENCES["menu_operator"]])


def fixed_sentences(directory: Directory, persona: Persona) -> Iterator[str]:
    """What a persona says word for word again and again, so that it can be synthesised beforehand.

    In the order of their worth when little time is left to make them: what every caller hears, what
    is needed when nothing can be synthesised any more, and last what has a target's name in it.
    """
    yield persona.greeting
    yield from (own(persona, key) for key in _OWN)
    yield introduction(persona, directory)
    # A persona's texts are nobody's templates: braces in them are said, or left out, as they are.
    common = [text for key, text in SENTENCES.items() if key not in _OWN]
    templates = [*common, *NOT_CONNECTED.values(), NOT_CONNECTED_OTHERWISE]
    yield from (template for template in templates if not _SLOT.search(template))
    yield menu_text(directory)
    yield not_understood(directory)
    for template in templates:
        if set(_SLOT.findall(template)) == {"target"}:
            yield from (template.format(target=safe(one.name)) for one in directory.targets())
