"""Yes, no, goodbye, repeat and small talk: utterances that mean one thing as a whole."""

import re

from appliance.calls.decision import Action, Intent
from appliance.decisions.chain import Case, Opinion, decided, passed
from appliance.decisions.context import Asked, TurnContext
from appliance.decisions.words import COURTESY

LABEL_HOLD = "hold"
LABEL_ROBOT = "robot"
LABEL_CANCEL = "cancel"

_YES = re.compile(
    r"(?:oh )?(?:yes|yeah|yep|yup|sure|correct|right|exactly|absolutely|of course|certainly"
    r"|okay|ok|"
    r"that is (?:right|correct|fine|it|good)|that would be (?:great|fine|good|nice|lovely)|"
    r"(?:it|this) is (?:right|correct|fine)|go ahead|please do|yes i (?:do|would|am)|all right"
    r"|alright|"
    r"sounds good|good|fine|perfect|great)"
)
_NO = re.compile(
    r"(?:oh )?(?:no|nope|nah|not really|not at all|no i do not|i do not think so|that is "
    r"(?:not (?:right|correct|it)|wrong|all|everything)|"
    r"(?:it|this) is (?:wrong|not (?:right|correct))|wrong|not the one|that is not the one|not yet|"
    r"nothing(?: else)?|never|incorrect)"
)
_TAIL = (
    r"(?: (?:please|thank you|thanks|very much|so much|sir|madam|that is (?:fine|correct|right"
    r"|wrong|all|good|not the one|not (?:right|correct))|it is|okay|sure|correct|right|not "
    r"really|yes|no))*"
)
_WHOLE_YES = re.compile(rf"^{_YES.pattern}{_TAIL}$")
_WHOLE_NO = re.compile(rf"^{_NO.pattern}{_TAIL}$")
_STARTS_YES = re.compile(r"^(?:yes|yeah|yep|sure|okay|correct|of course)\b")
_STARTS_NO = re.compile(r"^(?:no|nope|not|wrong)\b")
_GOODBYE = re.compile(
    r"(?<!to )(?<!with )\b(?:goodbye|good bye|bye)(?: (?:goodbye|bye|now|then|and|thank you|thanks"
    r"|have|see|for|please|so much|very much)\b.*)?$|\bsee you\b|\bhave a (?:great|good|nice"
    r"|lovely) (?:day|evening|night|one|weekend)\b|\bi will call (?:back|again)(?: later| tomorrow"
    r"| today| \w+day)?$|^(?:okay |ok |no |yes )*(?:that is|this is|it is) (?:all"
    r"|everything)\b(?: i need\w*)?(?: thank you| thanks)?|^(?:okay |ok )*(?:thank you|thanks) "
    r"that is all$"
)
# Recognisers invent these two on noise, so that early in a call they end nothing.
_THANKS = re.compile(
    r"^(?:okay |ok |great |perfect )*(?:thank you|thanks)(?: very much| so much| a lot)?$"
)
_MIN_CONFIDENCE_OF_LEAVE = 0.6
_REPEAT = re.compile(
    r"\b(?:repeat|say) (?:that|it|this)(?: (?:again|please|one more time|once more))*$"
    r"|\brepeat (?:that|it|this|please|yourself|the)|^(?:please )?repeat$|^(?:sorry |i beg "
    r"your )?pardon(?: me)?$"
    r"|\bsay (?:that|it|this) (?:again|one more time|once more|slowly)\b"
    r"|\bwhat did you say\b|\b(?:did|could|can) not (?:hear|understand|catch|get) (?:you|that"
    r"|it|what)\b"
    r"|^sorry i (?:did|do) not understand|\bspeak (?:more )?(?:slowly|slower|louder|up)\b"
    r"|^(?:sorry )?what(?: was that)?$"
    r"|\bcome again\b|^sorry$"
)
_HOLD = re.compile(
    r"^(?:please )?(?:one moment|one second|hold on|wait|just a|just one|hang on|give me a|i "
    r"(?:can|will) (?:wait|hold))\b"
    r"(?: (?:please|second|minute|moment|a|sec|just))*$"
)
_CANCEL = re.compile(
    r"^(?:oh |no |okay |sorry )*(?:never mind|nevermind|forget it|cancel(?: that| it)?"
    r"|stop)(?: please| thank you)?$"
)
_FAREWELL = re.compile(r"^(?:okay |ok |thank you |thanks |no )*(?:goodbye|good bye|bye)(?: bye)*$")
_ROBOT = re.compile(
    r"\b(?:are you|you are|is this|this is|i talking to|i speaking (?:to|with)) (?:a |an )?"
    r"(?:real )?(?:robot|machine|computer|bot|ai|human|person)(?: being)?$"
)
_SMALLTALK = re.compile(
    r"^(?:hello |hi |hey |good \w+ |yes |yeah |and |so |okay |oh |well )*"
    r"(?:how are you(?: doing| going)?|do you speak \w+|nice to (?:meet|hear|talk to) you"
    r"|who are you|what is your name)"
    r"(?: today| please| thank you| thanks| hello| sir| madam| there)*$"
)


class ClosedAnswers:
    """Decides utterances that are nothing but an answer, a farewell or a courtesy."""

    name = "closed_answers"
    limits = False
    in_dictation = False

    def consider(self, case: Case) -> Opinion:
        """Compare the whole utterance; a request beside the courtesy is left to later policies."""
        turn = case.turn
        text = turn.request
        if not text and turn.introduction.name:
            return self._say(Intent.SMALLTALK, "only gave a name")
        if not text:
            return passed("nothing was said")
        if _CANCEL.match(text):
            return self._say(Intent.CONFIRM_NO, "takes it back", LABEL_CANCEL)
        if _REPEAT.search(text):
            return decided(
                "asks to hear it again", intent=Intent.REPEAT, action=Action.REPEAT, confidence=1.0
            )
        pending = turn.asked in (Asked.CHOICE, Asked.OFFER, Asked.ANYTHING_ELSE)
        if _WHOLE_NO.match(text) and (pending or not _GOODBYE.search(text)):
            return self._say(Intent.CONFIRM_NO, "no")
        if _WHOLE_YES.match(text) and (pending or not _GOODBYE.search(text)):
            return self._say(Intent.CONFIRM_YES, "yes")
        if _takes_leave(turn, pending):
            return decided(
                "takes leave", intent=Intent.GOODBYE, action=Action.HANG_UP, confidence=1.0
            )
        if _HOLD.match(text):
            return self._say(Intent.SMALLTALK, "asks for a moment", LABEL_HOLD)
        if _ROBOT.search(text):
            return self._say(Intent.SMALLTALK, "asks what is speaking", LABEL_ROBOT)
        if _SMALLTALK.search(text) or all(word in COURTESY for word in turn.words):
            return self._say(Intent.SMALLTALK, "a courtesy")
        return passed("more than a closed answer")

    def _say(self, intent: Intent, reason: str, label: str = "") -> Opinion:
        labels = (label,) if label else ()
        return decided(reason, intent=intent, action=Action.ANSWER, labels=labels, confidence=1.0)


def _takes_leave(turn: TurnContext, pending: bool) -> bool:
    """Whether a caller says goodbye; "bye the way, billing please" asks for somebody."""
    if not pending and turn.confidence < _MIN_CONFIDENCE_OF_LEAVE:
        return False
    leaves = _GOODBYE.search(turn.request) or (pending and _THANKS.match(turn.request))
    best = turn.named.best
    return bool(leaves) and not (best is not None and best.cued and best.score > 0.85)


class LeadingAnswer:
    """Takes "yes that would be great" for yes, when a question is open and nothing else is."""

    name = "leading_answer"
    limits = False
    in_dictation = False

    def consider(self, case: Case) -> Opinion:
        """Look at the first word only."""
        turn = case.turn
        if turn.asked in (Asked.OPEN, Asked.DICTATION):
            return passed("no question is open")
        if case.so_far.target_id is not None:
            return passed("somebody was named")
        for pattern, intent in ((_STARTS_YES, Intent.CONFIRM_YES), (_STARTS_NO, Intent.CONFIRM_NO)):
            if pattern.match(turn.request):
                return decided(
                    "begins with an answer", intent=intent, action=Action.ANSWER, confidence=0.8
                )
        return passed("begins with no answer")


def says_yes(text: str) -> bool:
    """Whether a plain text is a yes, alone or at its beginning."""
    return bool(_WHOLE_YES.match(text) or _STARTS_YES.match(text))


def says_no(text: str) -> bool:
    """Whether a plain text is a no, alone or at its beginning."""
    return bool(_WHOLE_NO.match(text) or _STARTS_NO.match(text))


def takes_back(text: str) -> bool:
    """Whether a plain text is "never mind", "cancel" or a farewell, and nothing else."""
    return bool(_CANCEL.match(text) or _FAREWELL.match(text))


def asks_again(text: str) -> bool:
    """Whether a plain text asks to hear the last sentence again."""
    return bool(_REPEAT.search(text))
