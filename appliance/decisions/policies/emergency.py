"""Emergencies: rules only, before everything else. None may be missed; few may be false."""

from itertools import groupby

from rapidfuzz import fuzz

from appliance.calls.decision import Action, Intent, Priority
from appliance.decisions.chain import Case, Opinion, decided, passed
from appliance.decisions.danger import danger_in
from appliance.decisions.words import ORDINARY

# Single words that recognisers misspell; nothing else in the language is as near to them. How near
# (0 to 100) a word must be: those that alone mean no danger may be taken more easily.
_HEARD_LIKE = {
    **dict.fromkeys(
        ("ambulance", "emergency", "breathing", "bleeding", "unconscious", "collapsed",
         "swallowed", "heartbeat", "explosion", "threatening", "overdose"), 84
    ),
    **dict.fromkeys(("heart", "attack", "chest", "trouble", "weapon", "myself", "somebody"), 80),
}  # fmt: skip
_SHORTEST = 5
# These are known again with a letter doubled, or one put for another of the same sound.
_SOUND_LIKE = (
    *("burning", "breaking", "brigade", "choking", "coming", "drowning", "dying", "everywhere"),
    *("police", "pulled", "quickly", "responding", "shooting", "stabbed", "trapped"),
)
_SHORTEST_BY_SOUND = 6
_SOUNDS = str.maketrans("bdgvzcq", "ptkfskk")


class Emergency:
    """Decides a transfer to the emergency target, at once and without a question."""

    name = "emergency"
    limits = False
    in_dictation = True

    def consider(self, case: Case) -> Opinion:
        """Look for emergency words in the whole utterance, the introduction included."""
        turn = case.turn
        reason = emergency_in(turn.plain)
        if not reason:
            return passed("no emergency words")
        target = turn.directory.emergency_target
        return decided(
            f"emergency words: {reason}",
            intent=Intent.EMERGENCY,
            action=Action.TRANSFER,
            target_id=target.id if target else None,
            priority=Priority.EMERGENCY,
            confidence=1.0,
        )


def emergency_in(text: str) -> str:
    """The words (of a plain text) that make it an emergency; empty when it is none."""
    spelled = " ".join(_spelled(word) for word in text.split())
    return danger_in(text) or (danger_in(spelled) if spelled != text else "")


def _spelled(word: str) -> str:
    if len(word) < _SHORTEST or word == "emergencies" or word in ORDINARY:
        return word
    if len(word) >= _SHORTEST_BY_SOUND and (same := _BY_SOUND.get(_sound(word))):
        return same
    near = (like for like, least in _HEARD_LIKE.items() if fuzz.ratio(word, like) >= least)
    return next(near, word)


def _sound(word: str) -> str:
    """A word as it sounds: voiced letters as the others of their kind, none of them doubled."""
    letters = word.replace("ph", "f").replace("wh", "w").translate(_SOUNDS)
    return "".join(letter for letter, _ in groupby(letters))


_BY_SOUND = {_sound(word): word for word in _SOUND_LIKE}
