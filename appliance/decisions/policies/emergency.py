"""Emergencies: rules only, before everything else. None may be missed; few may be false."""

import re

from rapidfuzz import fuzz

from appliance.calls.decision import Action, Intent, Priority
from appliance.decisions.chain import Case, Opinion, decided, passed

_SERVICES = (
    r"(?:ambulance|police|fire (?:department|brigade|service|engine|truck)|paramedics?"
    r"|firefighters?)"
)

# Said like this, it is an emergency whatever else is in the sentence.
_CERTAIN = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\b(?:call|send|get|dial|need) (?:me |us |for )?(?:an |the |a )?{_SERVICES}\b",
        r"\b(?:call|dial|ring) (?:nine one one|nine nine nine|one one two|911|999|112|triple "
        r"nine)\b",
        r"\bthere (?:is|was) (?:a |an )?(?:big |huge )?(?:fire|explosion|shooting|gas leak"
        r"|intruder|burglar)\b"
        r"(?! (?:exit|escape|drill|door|alarm|extinguisher|inspection|safety|certificate))",
        r"^fire(?: fire)*$",
        r"\b(?:is|are|was|am|caught|set) (?:all )?on fire\b",
        r"\b(?:not|cannot|stopped|hardly|barely|trouble|difficulty) (?:really )?(?:breathe"
        r"|breathing)\b",
        r"\b(?:heart attack|cardiac arrest|overdosed?|unconscious|unresponsive|seizure|choking)\b",
        r"\b(?:having|had|has|have) (?:a )?stroke\b",
        r"\b(?:collapsed|passed out|fainted)\b",
        r"\bbleeding\b",
        r"\bnot (?:responding|waking up|conscious)\b|\bsuffocating\b",
        r"\b(?:asthma attack|allergic shock|anaphylactic)\b",
        r"\b(?:badly|seriously|severely) (?:hurt|injured|burned|burnt)\b",
        r"\bthere (?:is|was|has been) (?:just )?(?:an|a (?:bad |terrible |car )?) ?accident\b",
        r"\b(?:house|home|building|kitchen|car|room) is burning\b|\bburning down\b",
        r"\b(?:is|are|someone|somebody) breaking in\b",
        r"\b(?:drowning|electrocuted|poisoned)\b",
        r"\b(?:kill|hurt|harm) (?:myself|himself|herself)\b|\bsuicid\w*|\bwant to die\b",
        r"\b(?:has|have|with|got) (?:a |the )?(?:gun|knife|weapon|bomb)\b|\bbomb\b(?! shelter)",
        r"\b(?:being|been|got|was|am|is) (?:just |being )*(?:attacked|assaulted|robbed|stabbed"
        r"|shot|strangled)\b",
        r"\b(?:break|breaking|broken|broke) in(?:to)? (?:my |our |the )?(?:house|home|building"
        r"|office|shop)\b",
        r"\bsmell(?:ing|s)?(?: of)? gas\b|\bgas leak\b",
        r"\b(?:dying|going to die)\b",
        r"\bchest pains?\b|\bpain in (?:my|his|her) chest\b",
        r"\bneed (?:a |the )?(?:doctor|nurse|help) (?:right )?(?:now|quick|quickly|fast"
        r"|immediately|urgently|at once)\b",
        r"^(?:hello )?(?:please |somebody |someone |oh god )*help(?: help)*(?: me| us)?(?: "
        r"please)?(?: now)?$",
        r"\bsave (?:me|us|him|her)\b$",
    )
)

# These words mean an emergency unless they stand in a harmless compound.
_LIKELY = re.compile(r"\b(?:emergency|ambulance|mayday|sos)\b")
_HARMLESS = tuple(
    re.compile(pattern)
    for pattern in (
        r"\b(?:not|no|never|non|without|is not|isnt)(?: really| exactly| a| an| any| this| it"
        r"| so much)* emergency\b",
        r"\bemergency (?:exits?|contacts?|numbers?|lights?|lighting|door|plan|procedures?"
        r"|drill|training|"
        r"appointments?|hours|department|form|kit|fund|button|brake|stairs|stairway|line)\b",
        r"\b(?:in case of|in the event of|what .* in) (?:an |a )?emergency\b",
        r"\b(?:ambulance|emergency) (?:bill|invoice|ride|costs?|charges?|fees?|service bill"
        r"|insurance)\b",
        r"\b(?:last|previous|yesterday|ago)\b.*\b(?:emergency|ambulance)\b",
        r"\b(?:for|about|from) (?:the|my|an) ambulance\b",
        r"\bdo you (?:have|offer|do|handle) (?:an |any )?(?:emergency|emergencies)\b",
    )
)
_DENIED = re.compile(
    r"\b(?:not|no one|nobody|no|never|without)(?: is| was| been| really| a| an| any| one)* "
    r"(?:on fire|fire|bleeding|a bomb|dying|unconscious|choking|emergency|hurt|chest pains?)\b"
    r"|\bno (?:bleeding|fire|chest pain|gas leak|bomb)\b"
    r"|\bthere (?:is|was) no fire\b"
)
# Single words that recognisers misspell; nothing else in the language is as near to them.
_HEARD_LIKE = ("ambulance", "emergency")
_MIN_LIKENESS = 84


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
    denied_free = _DENIED.sub(" ", text)
    for pattern in _CERTAIN:
        found = pattern.search(denied_free)
        if found:
            return found[0]
    spelled = " ".join(_spelled(word) for word in denied_free.split())
    for pattern in _HARMLESS:
        spelled = pattern.sub(" ", spelled)
    found = _LIKELY.search(spelled)
    return found[0] if found else ""


def _spelled(word: str) -> str:
    if len(word) < 6 or word == "emergencies":
        return word
    return next((like for like in _HEARD_LIKE if fuzz.ratio(word, like) >= _MIN_LIKENESS), word)
