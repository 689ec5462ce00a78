"""The keypad menu's keys: what a caller gets when listening or deciding does not work."""

from appliance.calls.directory import Directory

# 9 keys are left beside 0, and nobody remembers more than a few of them.
MAX_ENTRIES = 8


def menu_keys(directory: Directory) -> dict[str, str]:
    """Key to target id: the departments in their order; the operator is always 0."""
    operator = directory.operator_target
    departments = [d for d in directory.departments if operator is None or d.id != operator.id]
    keys = {str(key): d.id for key, d in enumerate(departments[:MAX_ENTRIES], start=1)}
    return keys | ({"0": operator.id} if operator else {})
