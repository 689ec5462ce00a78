"""The closed vocabulary: every word that the model can hear, and how a synthesizer is to say it.

Words are lower case, without punctuation; numbers are words; a spelled letter is the letter.
"""

from typing import Final


def words_of(text: str) -> tuple[str, ...]:
    """A list of words, written as a text."""
    return tuple(text.split())


LETTERS: Final = tuple("abcdefghijklmnopqrstuvwxyz")
DIGITS: Final = words_of("zero one two three four five six seven eight nine oh")
TEENS: Final = words_of(
    "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
)
TENS: Final = words_of("twenty thirty forty fifty sixty seventy eighty ninety")
NUMBERS: Final = (*DIGITS, *TEENS, *TENS, "hundred", "thousand", "double")

FIRST_NAMES: Final = words_of(
    """
    alice andrew anna anthony barbara benjamin bob brian carol charles charlotte christine
    daniel david diana edward elizabeth emily emma eric frank george grace hannah harry helen
    henry isabel jack james janet jason jennifer jessica john joseph julia karen kevin laura
    lucas margaret maria mark martin mary michael nancy nicole oliver olivia patricia patrick
    paul peter philip rachel rebecca richard robert roger ruth samuel sandra sarah simon sophia
    stephen susan thomas timothy victoria walter william
    """
)
LAST_NAMES: Final = words_of(
    """
    adams allen anderson baker bennett brown campbell carter clark collins cooper davis edwards
    evans foster garcia graham green hall harris hill jackson johnson jones kelly king lee lewis
    lopez martinez miller mitchell moore morgan morris murphy nelson parker patel phillips
    roberts robinson rogers scott smith stewart taylor thompson turner walker watson white
    williams wilson wright young
    """
)
DEPARTMENTS: Final = (
    "billing", "sales", "support", "accounts", "accounting", "reception", "the front desk",
    "human resources", "customer service", "technical support", "the service desk", "the manager",
    "an operator", "the operator", "the pharmacy", "pharmacy", "the doctor", "a doctor", "a nurse",
    "shipping", "returns", "marketing", "the warehouse", "the workshop", "the office",
    "the laboratory", "radiology", "the emergency room", "maintenance", "security", "purchasing",
    "the director", "the secretary", "the receptionist", "the help desk", "the school",
    "the kitchen", "finance", "legal", "the surgery", "engineering", "dispatch",
)  # fmt: skip
DAYS: Final = words_of(
    "monday tuesday wednesday thursday friday saturday sunday tomorrow today tonight"
)
MONTHS: Final = words_of(
    """
    january february march april may june july august september october november december
    """
)
HOURS: Final = (*DIGITS[1:10], *TEENS[:3])

# What is said around them, in no order but the alphabet's.
_COMMON: Final = words_of(
    """
    a about absolutely account address after afternoon again ahead all alright am ambulance an
    and another answer any anyone anything appointment appointments are ask at available back
    bad be because been before bill book booked booking boxes broken building business but by
    bye call called calling can can't cancel cancelled cannot card change charged check clinic
    close closed come computer confirm connect contact contract copy correct cost could course
    credit cut date day days delivered delivery dentist did didn't do doctor does dollars don't
    done down else email emergency english evening everything extension failed father feel find
    fine fire first for forgot free friend from gas get give go going good goodbye got great had
    has have he he's hear hello help her here hi him hold home hospital hour hours house how
    human hurt husband i i'd i'll i'm i've if important in information insurance internet
    invoice is isn't it it's just know last late later leave left let let's letter like line
    live located log long looking lost lot machine mail make manager many maybe me mean meet
    meeting message mind minute minutes miss missus mistake mister moment money month more
    morning mother move much must my name need needs never new next night no nobody noon not
    note nothing now number o'clock of off office okay old on one only open opening operator
    option or order ordered other our out over package paid pain parking password pay payment
    people person phone please pm police possible prescription press price problem put question
    quick rather reach ready real really received reception refund regarding repair repeat
    reservation results return right ring road robot room running said say schedule second see
    send sent service she shop should slowly smell smoke so some somebody someone something soon
    sorry speak speaking spell spelled spoke start status stop street subscription sure take
    talk tell test thank thanks that that's the them then there there's they think this through
    ticket time times to told too transfer tried try trying twice uh um understand until up
    urgent us very visit voice voicemail wait waiting want wanted was water way we website week
    well were what what's when where who why wife will with work working works would wrong yeah
    year yes yesterday yet you your
    """
)

WORDS: Final = tuple(
    sorted(
        {
            *LETTERS, *NUMBERS, *FIRST_NAMES, *LAST_NAMES, *DAYS, *MONTHS, *_COMMON,
            *(word for department in DEPARTMENTS for word in department.split()),
        }
    )
)  # fmt: skip
"""The vocabulary."""

_KNOWN: Final = frozenset(WORDS)

# Spelled letters that a synthesizer would read as words, or swallow.
_LETTER_SOUNDS: Final = {
    "a": "ay", "b": "bee", "c": "see", "d": "dee", "e": "ee", "f": "eff", "g": "jee", "h": "aitch",
    "i": "eye", "j": "jay", "k": "kay", "l": "ell", "m": "em", "n": "en", "o": "oh", "p": "pee",
    "q": "cue", "r": "ar", "s": "ess", "t": "tee", "u": "you", "v": "vee", "w": "double you",
    "x": "ex", "y": "why", "z": "zee",
}  # fmt: skip


def is_known(sentence: str) -> bool:
    """Whether every word of a sentence is in the vocabulary."""
    return _KNOWN.issuperset(sentence.split())


def spoken_words(words: list[str]) -> list[str]:
    """What a synthesizer is given for each word; one entry may hold two spoken words.

    A letter is spelled, save "a" and "i" away from other letters, where they are words.
    """
    return [
        _LETTER_SOUNDS[word] if _is_spelled(words, at) else word for at, word in enumerate(words)
    ]


def _is_spelled(words: list[str], at: int) -> bool:
    if words[at] not in _LETTER_SOUNDS:
        return False
    beside = words[max(0, at - 1) : at] + words[at + 1 : at + 2]
    return words[at] not in ("a", "i") or any(word in _LETTER_SOUNDS for word in beside)
