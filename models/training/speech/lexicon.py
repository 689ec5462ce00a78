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
    a able about abroad absolutely accident account actually address after afternoon again agency
    ahead all already alright also am ambulance an and another answer answered answering any anybody
    anyone anything application appointment appointments are around arrived as ask asked asking at
    available away back bad badge bank basically be because been before behalf being believe best
    better bill book booked booking boss bother boxes breathing bring broken building business but
    by bye call called calling came can can't cancel cancelled cannot car card certain chance change
    charge charged chat check christmas city clinic close closed colleague come company computer
    concerning confirm connect consultation contact contract copy correct cost could couldn't course
    credit cut date daughter day days dear delivered delivery dentist department dial did didn't do
    doctor does doesn't dollars don't done door down drop dropped earlier early else email emergency
    english eve evening everything exactly excuse extension failed father favour feel few find fine
    fire first folks follow for forgot forward found free fridays friend from gas gave get give
    given glad go going good goodbye got great guess guys had half handles hang happy has have
    having he he's hear heard hello help her here hey hi him hold holidays home hope hoping hospital
    hour hours house how human hurry hurt husband i i'd i'll i'm i've if immediately important in
    inform information instead insurance interested internet interview invoice is isn't it it's item
    job just key kind kindly know knows lady last late later lawyer leave left let let's letter like
    line listen little live located log long look looked looking lost lot love lunch machine madam
    mail make man manager many matter maybe me mean meant medicine meet meeting message might mind
    minute minutes miss missing missus mistake mister mobile moment money month more morning mother
    move moved much must my name named need needs neighbour never new news next nice night no nobody
    noon not note nothing now number o'clock of off offer office okay old on once one only open
    opening operator option or order ordered other our out over package paid pain papers parcel
    pardon parking pass password past pay payment people perhaps person phone phoned picking pills
    place please pm point police possible prefer prescription press pretty price print problem
    promised purchase put question quick quickly quiet rang rather reach ready real really reason
    received reception refill refund regarding remember remind repair repeat request reservation
    results return right ring ringing road robot room running rush said same saturdays say says
    schedule search second see send sent service set she shop short should sign signature since sir
    slot slowly smell smoke so some somebody someone something son soon sorry speak speaking spell
    spelled spoke staff start status still stop street subject subscription sundays supplier
    supplies supposed sure table take taking talk talked talking team tell test thank thanks that
    that's the them then there there's they thing think this through ticket time times to told too
    touch town transfer tried trouble try trying twice uh um under understand until up urgent
    urgently us use very visit voice voicemail wait waiting want wanted wants was water way we we're
    website week weekend weekends well went were what what's when whenever where whether which who
    whoever why wife will wish with won't wonder wondering word work working works would write wrong
    wrote yeah year year's yes yesterday yet you you're your yours
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

# Spelled letters, written so that both synthesizers say the letter's name (espeak-ng takes "ay"
# for an "i" and spells "eff").
_LETTER_SOUNDS: Final = {
    "a": "eigh", "b": "bee", "c": "see", "d": "dee", "e": "ee", "f": "ef", "g": "jee", "h": "aitch",
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
