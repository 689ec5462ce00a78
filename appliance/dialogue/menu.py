"""The keypad menu: what a caller gets when listening or deciding does not work."""

from appliance.calls.directory import Directory
from appliance.dialogue.prompts import SENTENCES, sentence

# 9 keys are left beside 0, and nobody remembers more than a few of them.
MAX_ENTRIES = 8


def menu_keys(directory: Directory) -> dict[str, str]:
    """Key to target id: the departments in their order; the operator is always 0."""
    operator = directory.operator_target
    departments = [d for d in directory.departments if operator is None or d.id != operator.id]
    keys = {str(key): d.id for key, d in enumerate(departments[:MAX_ENTRIES], start=1)}
    return keys | ({"0": operator.id} if operator else {})


def menu_text(directory: Directory) -> str:
    """ "For Billing, press 1. ... For a person, press 0."."""
    entries = []
    for key, target_id in menu_keys(directory).items():
        target = directory.target(target_id)
        if key != "0" and target is not None:
            entries.append(sentence("menu_entry", target=target.name, key=key))
    return " ".join([*entries, SENTENCES["menu_operator"]])
