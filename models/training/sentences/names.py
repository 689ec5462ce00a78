"""Names of people and departments: those that training may see, and those that it never sees."""

import random
from dataclasses import dataclass

from models.training.sentences.templates import phrases, spheres, words

_FIRST = """
james mary robert patricia john jennifer michael linda david elizabeth william barbara richard
susan joseph jessica thomas sarah charles karen daniel lisa matthew nancy anthony betty mark
sandra donald ashley steven emily paul kimberly andrew donna joshua michelle kevin carol brian
amanda george melissa edward deborah ronald stephanie timothy rebecca jason laura ryan cynthia
gary amy eric angela jonathan anna stephen brenda larry pamela justin nicole scott samantha frank
katherine benjamin christine raymond emma gregory ruth samuel catherine patrick virginia alexander
rachel jack maria dennis heather jerry diane olga ivan pierre chloe hans greta carmen ahmed fatima
wei mei arjun yuki kenji sven marco giulia tomas eva piotr agnes
"""
_LAST = """
smith johnson williams brown jones garcia miller davis rodriguez martinez hernandez lopez gonzalez
wilson anderson taylor moore jackson martin lee perez thompson white harris sanchez clark ramirez
lewis robinson walker young allen king wright scott torres nguyen hill flores green adams nelson
baker hall rivera campbell mitchell carter roberts gomez phillips evans turner diaz parker cruz
edwards collins reyes stewart morris morales murphy cook rogers gutierrez ortiz morgan cooper
peterson bailey reed kelly howard ramos kim cox ward richardson watson brooks chavez wood bennett
gray mendoza ruiz hughes price alvarez castillo sanders patel myers long ross foster schmidt weber
fischer rossi ferrari kowalski novak petrov ivanova tanaka suzuki chen wang singh khan dubois
laurent
"""
_UNSEEN_FIRST = """
oscar beatrice felix matilda hugo sylvia declan rosalind bjorn leticia tariq naomi dmitri svetlana
kwame zainab cormac philippa rafael odette
"""
_UNSEEN_LAST = """
lindqvist okafor pemberton vasquez thornbury delacroix mbeki yamamoto stravinsky oconnell
farrokhzad blackwood haverford zielinski castellanos rutherford benedetti kaczmarek whitlock
dragomir
"""
_UNITS = """
nursing|dental|parts|rentals|kitchen|library|engineering|management|laboratory|housekeeping|events
insurance|underwriting|mortgages|research|planning|surgery|oncology|pediatrics|cardiology|reception
front desk|quality|production|design|training|export|import|membership|donations|volunteers
the director's office|the mayor's office|real estate|letting|property management|radiology
"""
_UNSEEN_UNITS = """
archives|catering|physiotherapy|leasing|orthodontics|payroll|box office|quality control
lost property|hydraulics|glazing|dermatology|grants|forestry|licensing
"""
_ENTERPRISE = words(
    """
garden river music sport travel paper glass metal bread flower marine solar credit loan estate
student patient animal vision hearing sleep pool guest safety data cloud print photo bicycle fabric
timber coffee water
"""
)
_PLACE = words("desk team office services center unit hotline group")
_ONSETS = words("b c d f g h j k l m n p r s t v w z br ch dr gr kr sh st th tr")
_ENDS = words("n r s l m t ck ng nd rt ff son man ski ley ton berg er is o a ez ova ini")
_UNSEEN_ONSETS = words("bl cl fl gl pl sl sm sn sp sw qu y wh kn ph")
_UNSEEN_ENDS = words("x ld wick by ford ric mund ell que")


@dataclass(frozen=True)
class NameLists:
    """Names to fill templates with. Replace the lists to train for other names.

    Attributes:
        first, last: of people, lower case, one word each.
        departments: as they are called, without "the" and "department".
        units: departments that belong to no sphere, so that nothing is asked about them.
        invented: share (0 to 1) of names that are made up of syllables, so that a model learns to
            read names instead of knowing them.
        onsets, ends: the syllables.
    """

    first: tuple[str, ...]
    last: tuple[str, ...]
    departments: tuple[str, ...]
    units: tuple[str, ...]
    invented: float
    onsets: tuple[str, ...]
    ends: tuple[str, ...]

    def first_name(self, rng: random.Random) -> str:
        """A first name."""
        return self._invented(rng) if rng.random() < self.invented else rng.choice(self.first)

    def last_name(self, rng: random.Random) -> str:
        """A surname."""
        return self._invented(rng) if rng.random() < self.invented else rng.choice(self.last)

    def department(self, rng: random.Random) -> str:
        """A department that nothing is known about."""
        way = rng.random()
        if way < 0.6 or not self.invented:
            return rng.choice(self.units)
        if way < 0.85:
            return f"{rng.choice(_ENTERPRISE)} {rng.choice(_PLACE)}"
        return f"{self._invented(rng)} {rng.choice(_PLACE)}"

    def _invented(self, rng: random.Random) -> str:
        middle = [
            rng.choice(_ONSETS) + rng.choice("aeiou") for _ in range(rng.choice((0, 1, 1, 2)))
        ]
        start = rng.choice(self.onsets) + rng.choice("aeiou")
        return start + "".join(middle) + rng.choice(self.ends)


def _units(text: str) -> tuple[str, ...]:
    return tuple(unit for line in text.split("\n") for unit in line.split("|") if unit)


def _departments(split: str) -> tuple[str, ...]:
    return tuple(name for sphere in spheres() for name in sphere.names.of(split))


NAMES = NameLists(
    tuple(_FIRST.split()),
    tuple(_LAST.split()),
    _departments("train"),
    _units(_UNITS),
    0.5,
    tuple(_ONSETS),
    tuple(_ENDS),
)
HELD_OUT_NAMES = NameLists(
    tuple(_UNSEEN_FIRST.split()),
    tuple(_UNSEEN_LAST.split()),
    _departments("held-out"),
    _units(_UNSEEN_UNITS),
    0.4,
    tuple(_UNSEEN_ONSETS),
    tuple(_UNSEEN_ENDS),
)


def caller_name(rng: random.Random, names: NameLists) -> str:
    """Somebody's own name: a first name, a surname with a title, or both names."""
    first, last = names.first_name(rng), names.last_name(rng)
    return rng.choice((first, first, f"{first} {last}", f"{first} {last}", f"mister {last}"))


def said_as(rng: random.Random, split: str, name: str, person: bool) -> str:
    """How a caller says a directory name: "john", "mister smith", "someone in billing"."""
    if not person:
        if rng.random() < 0.4:
            return name
        return (
            rng.choice(phrases("units").of(split)).replace("{name}", name).replace("the the", "the")
        )
    first, _, last = name.partition(" ")
    way = rng.random()
    if way < 0.45 or not last:
        return name
    if way < 0.70:
        return first
    if way < 0.92:
        title = rng.choice(("mister", "mister", "mr", "mrs", "missus", "ms", "miss", "doctor"))
        return f"{title} {last}"
    return last
