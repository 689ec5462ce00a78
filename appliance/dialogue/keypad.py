"""Keys come one at a time: when are they a whole answer?"""

from appliance.calls.directory import Directory
from appliance.dialogue.intake import MAX_DIGITS, Field
from appliance.dialogue.menu import menu_keys
from appliance.dialogue.state import Phase, State


class Keypad:
    """Reads `State.keys` against what keys mean in the present phase."""

    def __init__(self, directory: Directory, state: State) -> None:
        """Look at ``state`` for callers of ``directory``."""
        self._directory = directory
        self._state = state

    def choices(self) -> dict[str, str]:
        """What single keys stand for now: key to target id."""
        if self._state.phase is Phase.MENU:
            # 0 asks for a person, which the chain decides itself.
            return {key: t for key, t in menu_keys(self._directory).items() if key != "0"}
        if self._state.phase is Phase.CHOOSING:
            return {str(n): t for n, t in enumerate(self._state.candidates, start=1)}
        return {}

    def more_may_follow(self) -> bool:
        """Whether the keys so far can still become something else.

        A number for a message ends with "#" or silence. An extension ends when it is one and no
        longer one begins with it; digits that fit none end at the longest extension's length.
        """
        state = self._state
        form = state.intake
        if state.phase is Phase.INTAKE and form is not None:
            return form.field is Field.NUMBER and len(state.keys) < MAX_DIGITS
        if state.keys == "0" or state.keys in self.choices():
            return False
        extensions = {e for target in self._directory.targets() for e in target.extensions}
        longer = [e for e in extensions if e.startswith(state.keys) and e != state.keys]
        if longer:
            return True
        longest = max(map(len, extensions), default=0)
        return state.keys not in extensions and len(state.keys) < longest
