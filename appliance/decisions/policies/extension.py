"""Spoken extension numbers: "extension two zero one", "dial two four eight", "two oh one"."""

from collections.abc import Sequence

from rapidfuzz import fuzz, process

from appliance.calls.decision import Action, Intent
from appliance.calls.directory import Target
from appliance.decisions.chain import Case, Opinion, decided, passed, refused
from appliance.decisions.context import TurnContext
from appliance.decisions.policies.keypad import LABEL_NO_EXTENSION
from appliance.decisions.spoken import NUMBER_WORDS, DigitRun, digit_runs
from appliance.decisions.words import ARTICLES, COURTESY, ORDINARY, REQUEST, bag

_CUES = bag("extension dial ext line internal")
# Cues stand at most so many words before their number.
_REACH, _NEAR = 6, 3
_ALONE = COURTESY | ARTICLES | REQUEST | _CUES | bag("number can could would i like me")
# Numbers that are no extension, although somebody may have it: after and before these words.
_AFTER = bag(
    "at until till after before by room invoice order account flight page street since around"
)
_BEFORE = bag("oclock percent euros dollars minutes hours days weeks years people times pm am")
_SHORTEST_UNCUED = 3
_SPELLED = 70


class Extension:
    """Decides a transfer to whoever has the number; numbers of nobody are refused."""

    name = "extension"
    limits = False
    in_dictation = False

    def consider(self, case: Case) -> Opinion:
        """Digits count after "extension" or "dial", when nothing else was said, or when they are
        somebody's extension and no other kind of number.
        """
        turn, so_far = case.turn, case.so_far
        words = _mended(turn.words)
        for run in digit_runs(words):
            target = turn.directory.by_extension(run.digits)
            cued = _cued(words, run) or _alone(words, run)
            if not cued and not _somebodys(words, run, target):
                continue
            if target is not None:
                return _found(run, target, turn)
            return refused(
                "a number that no target has",
                {"digits": len(run.digits)},
                intent=Intent.UNKNOWN,
                action=Action.CLARIFY,
                labels=(*so_far.labels, LABEL_NO_EXTENSION),
                confidence=1.0,
            )
        return passed("names no extension")


def _found(run: DigitRun, target: Target, turn: TurnContext) -> Opinion:
    return decided(
        f"extension {run.digits}",
        intent=Intent.TRANSFER,
        action=Action.TRANSFER,
        target_id=target.id,
        confidence=0.7 + 0.3 * turn.confidence,
    )


def _cued(words: Sequence[str], run: DigitRun) -> bool:
    before = words[max(0, run.start - _REACH) : run.start]
    return "extension" in before or bool(_CUES & set(before[-_NEAR:]))


def _alone(words: Sequence[str], run: DigitRun) -> bool:
    others = {*words[: run.start], *words[run.end :]}
    return len(run.digits) > 1 and others <= _ALONE and not {"my", "at"} & others


def _somebodys(words: Sequence[str], run: DigitRun, target: Target | None) -> bool:
    if target is None or len(run.digits) < _SHORTEST_UNCUED or "my" in words[: run.start][-3:]:
        return False
    beside = _AFTER & {*words[: run.start][-1:]} or _BEFORE & {*words[run.end :][:1]}
    return not beside


def _mended(words: Sequence[str]) -> tuple[str, ...]:
    """Misspelled digits after "extension": "eikht" can be nothing but eight there."""
    if not _CUES & set(words):
        return tuple(words)
    return tuple(word if word in ORDINARY or word.isdigit() else _number(word) for word in words)


def _number(word: str) -> str:
    like = process.extractOne(word, NUMBER_WORDS, scorer=fuzz.ratio, score_cutoff=_SPELLED)
    return like[0] if like and len(word) > 2 else word
