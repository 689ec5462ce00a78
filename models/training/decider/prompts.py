"""A sentence as the appliance will ask about it, and the answer that is wanted."""

import json
import random
from collections.abc import Sequence

from appliance.calls.directory import Department, Directory, Person, Target
from appliance.decisions.language_model import ProposalRequest, directory_text
from appliance.decisions.language_model import turn_text as sent_text
from appliance.decisions.text import plain
from models.training.sentences import Entry, Sentence

_PRIORITIES = {"emergency": "high"}


def turn_text(heard: str) -> str:
    """A transcript as the decision chain sends it: plain words, numbers as digits."""
    return sent_text(plain(heard))


def directory_lines(rng: random.Random, entries: Sequence[Entry]) -> str:
    """A directory as the appliance writes it, with any opening hours: they decide nothing here."""
    hours = rng.choice(("0 to 24", f"{rng.randint(6, 11)} to {rng.randint(12, 22)}"))
    request = ProposalRequest("", EMPTY, open_now=rng.random() < 0.7, hours_text=hours)
    return directory_text(request, [target_of(entry) for entry in entries])


def target_of(entry: Entry) -> Target:
    """An entry as the appliance knows it; its id is its name."""
    name = entry.name.title()
    if entry.person:
        return Person(entry.name, name, entry.extension)
    return Department(entry.name, name, (entry.extension,))


def answer_text(sentence: Sentence) -> str:
    """The JSON that the decider should write about a sentence."""
    fields = {
        "intent": sentence.intent,
        "target": sentence.target,
        "priority": _PRIORITIES.get(sentence.priority, sentence.priority),
    }
    return json.dumps(fields, separators=(",", ":"))


EMPTY = Directory("", "")
