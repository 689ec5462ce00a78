"""What the voice is trained to say: what the appliance says, what callers say, and other English.

The sentences that the starter recogniser is tested with are not among it.
"""

import random
import re
from collections.abc import Callable, Iterator
from typing import Final

from appliance.calls.transfer import TransferResult
from appliance.dialogue.prompts import NOT_CONNECTED, NOT_CONNECTED_OTHERWISE, SENTENCES
from appliance.inference.clauses import intoned, split_clauses
from models.training.sentences import NAMES
from models.training.speech import lexicon, utterances

_EVERYDAY: Final = lexicon.words_of(
    """
    above across adventure age agree air airport album alley almond amber ankle anger animal apple
    april arch arm army arrow art artist ash attic aunt author autumn avenue axe azure baby bacon
    badge bakery balcony ball banana band bandage banner barn basket bath battle bay beach beard
    beauty bedroom beef beige bench berry beverage bicycle bird birthday biscuit blanket blizzard
    blue boat body boil bone bonus bottle boundary bowl box boy branch brave breeze brick bridge
    brief broad bronze broom brother brush bubble bucket budget bulb bundle bush butter button cabin
    cable cage cake calendar camera canal candle canvas captain carpet carriage castle casual
    cathedral cattle ceiling celery chain chair chalk champion channel chapter charity chase cheap
    cheese cherry chest chicken chief child chimney chocolate choice church cinema circle citizen
    clever cliff climb cloth clothes cloud coach coast coat coffee coin cold collar college colour
    comb comfort common concert cool copper corner cotton cough council country cousin cradle craft
    crash cream creature creek crew crisp crowd crown cruise crystal culture cup cupboard curious
    current curtain cushion custom cycle damage dance danger daughter dawn decade decision deep deer
    delicious depth desert design desk diamond dinner direct dirty discover dish distance ditch dive
    dog donkey dragon drama dream dress drink drum dry duck dust duty eager eagle earth east easy
    echo edge effort egg eight elbow elephant empty engine enjoy entry equal error escape essay
    event evil example excellent exercise expert explain eye fabric face factory fair faith fall
    fame farm fashion fast father feather fence festival few field fierce figure film finger finish
    fire fish flag flame flat flavour flight float flood flour flower fog foil food foot forest fork
    formal fortune forty fountain fox frame fresh fridge frog frost fruit fuel full funny fur
    furniture future galaxy game garage garden garlic gate gather gentle ghost giant gift ginger
    giraffe girl glad glass globe glove goat gold golf goose grain grand grape grass gravel gray
    green ground group grow guard guide guitar gym habit hair half hammer hand harbour hard harvest
    hat hawk hay health heart heat heavy hedge helmet herb hero hidden high hill history hobby hole
    hollow honest honey hood hook horizon horse hotel huge hundred hunger hurricane ice idea image
    inch income indoor infant ink insect iron island ivory jacket jam jar jaw jazz jeans jelly jewel
    job join joke journey joy judge juice july jump jungle junior jury justice kettle keyboard kick
    kind king kitchen kite knee knife knock knot label lace ladder lake lamb lamp land large laugh
    law lawn layer leaf league leather lecture leg leisure lemon length lesson level liberty library
    lid lift light lily limit lion lip liquid loaf local log lonely loud lounge loyal luggage lumber
    lung luxury machine magazine magic major mango map marble march market marriage mask massage
    match meadow meal measure meat medal melody member memory metal method middle milk mind mineral
    mirror mist mixture model modern monkey moon moral mosque motion motor mountain mouse mouth
    movie mud muscle museum mushroom music mystery nail narrow nation nature neat neck needle nephew
    nerve nest network nine noise north nose notebook novel nurse oak oath oatmeal object ocean
    october odd oil olive onion orange orbit orchard organ ounce outdoor oven owl oxygen oyster page
    paint pair palace palm pan panel pants parade parent park parrot party path patient pattern
    peach peanut pear pearl pencil pepper perfume photo piano picnic pie pig pigeon pilot pink pipe
    pirate pitch pizza plain planet plant plate pleasure plum pocket poem poison polite pond pony
    pool popular porch potato pottery pouch powder praise pressure prison prize proud pudding pull
    pulse pump puppy purple purse puzzle quarrel quarter queen quilt quiz rabbit radio rail rain
    raisin ranch rare raw razor recipe red region relax remote rescue rhythm ribbon rice rich rifle
    river roast rocket roof root rope rose rough round route royal rubber rug ruin rural sack sad
    saddle sailor salad salmon salt sand sauce sausage scarf school science scissors scout screw sea
    season seed seven shadow shape shark sharp sheep shelf shell shine ship shirt shock shoe shore
    shoulder shout shower shrimp sick silk silver singer sister size skill skin skirt sky sleeve
    slice slim slope small smart smile smooth snail snake snow soap soccer soft soil soldier solid
    song soul sound soup south space spark sphere spice spider spinach spirit splash sponge spoon
    sport spring square squirrel stadium stage stamp star statue steak steam steel stem stomach
    stone storm strange straw stream street string strong student studio style sugar suit summer sun
    swan sweater sweet swim sword symbol syrup tailor tail tank tape taste taxi tea teacher
    television temple tennis tent thick thief thin thirst thorn thread throat throne thumb thunder
    tide tiger timber tiny toast toe tomato tongue tool tooth torch tower toy track trade traffic
    train travel treasure treaty tree triangle trick truck trumpet trunk truth tube tunnel turkey
    turtle tutor twelve twist uncle unfair uniform union universe unusual usual valley value van
    vanilla vehicle velvet verb village violet violin vision vivid vocal volume voyage wagon waist
    wall wallet walnut warm wash watch wave wealth weather wedding weight west whale wheat wheel
    whisper whistle white wide wild willow wind window wine wing winter wire wisdom wise wolf woman
    wonder wood wool world worm wound wreck wrist yard yellow yoga young youth zebra zero zone zoo
    """
)
_FRAMES: Final = (
    "The {} is next to the {}.", "I saw a {} and a {} there.", "Where is the {}, please?",
    "Is it the {} or the {}?", "They bought the {} for their {}.", "Our {} has a new {}.",
    "It was a {} with a {}, and then a {}.", "There is no {} without a {}.", "{}, {} and {}.",
    "Did you find the {}?", "She would rather have a {} than a {}.", "{} {} {}", "{} {} {} {} {}",
    "He said {}, but we heard {}.", "Which {} do you mean?", "What a {}!", "{}, {}, {}, {}.",
    "Before the {} began, the {} was already there.", "You should see that {} of yours.",
    "After the {} we went through the {}.", "We use this {} when the {} is away.",
    "Everything about the {} was as good as the {}.", "Those {} things are in the {} now.",
)  # fmt: skip
_ABOUT: Final = ("", ", about an invoice", ", about a parcel", ", about the meeting")
_HOUSES: Final = ("the Riverside Clinic", "Miller and Sons", "the city library", "Greenfield Homes")
_OPENING: Final = (
    "We are open from {time} to {time}.", "We are open on {day} from {time} until {time}.",
    "Today is {day}, {month} {nth}.", "We are closed on {day}, {month} {nth}, and open again at "
    "{time}.", "The number of {name} is {digits}.", "Our number is {digits}.",
    "Thank you for calling {house}.", "Good morning, {house}, how can I help you today?",
    "You have reached {house}.", "I am the automatic assistant of {house}.",
    "Yes, {name} is here, on extension {digits}.", "That costs {number} dollars.",
    "The extension of {name} is {digits}.", "It is {time} now.", "Room {digits}, on floor {one}.",
    "{name} will call you back on {day} at {time}.", "You are number {one} in the queue.",
    "I have {name}, and will have you called back on {digits}. Is that right?",
    "{name} is not at the desk, but I can take a message.",
)  # fmt: skip
_NTH: Final = lexicon.words_of(
    """
    first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth
    fourteenth fifteenth twentieth twenty-first twenty-second thirtieth
    """
)
_SLOT = re.compile(r"\{(\w*)\}")


def texts(random_: random.Random) -> Iterator[str]:
    """Clauses to train on, without end and without one twice, as an engine is given them."""
    seen: set[str] = set()
    weights = [weight for weight, _ in _KINDS]
    while True:
        said = random_.choices(_KINDS, weights)[0][1](random_)
        clauses = split_clauses(said)
        for number, clause in enumerate(clauses, 1):
            text = clause if number == len(clauses) else intoned(clause)
            if text not in seen:
                seen.add(text)
                yield text


def own_sentence(random_: random.Random) -> str:
    """A sentence of the appliance's, or one that an operator may have it say."""
    fixed = (*SENTENCES.values(), *(NOT_CONNECTED[result] for result in TransferResult
             if result in NOT_CONNECTED), NOT_CONNECTED_OTHERWISE)  # fmt: skip
    template = random_.choice(fixed if random_.random() < 0.5 else _OPENING)
    fill: dict[str, Callable[[], str]] = {
        "target": lambda: _somebody(random_),
        "caller": lambda: random_.choice((_somebody(random_), "a caller")),
        "name": lambda: _somebody(random_),
        "organisation": lambda: random_.choice(_HOUSES),
        "house": lambda: random_.choice(_HOUSES),
        "example": lambda: random_.choice(lexicon.DEPARTMENTS),
        "choices": lambda: f"{_somebody(random_)} or {_somebody(random_)}",
        "number": lambda: utterances.number(random_),
        "digits": lambda: _digits(random_),
        "key": lambda: random_.choice(lexicon.DIGITS[:10]),
        "one": lambda: random_.choice(lexicon.DIGITS[1:10]),
        "about": lambda: random_.choice(_ABOUT),
        "day": lambda: random_.choice(lexicon.DAYS[:7]).capitalize(),
        "month": lambda: random_.choice(lexicon.MONTHS).capitalize(),
        "nth": lambda: random_.choice(_NTH),
        "time": lambda: utterances.clock_time(random_),
    }
    # Single figures in a sentence are words by the time that an engine has it.
    text = re.sub(r"\d", lambda digit: lexicon.DIGITS[int(digit[0])], template)
    return _SLOT.sub(lambda slot: fill[slot[1]](), text)


def everyday_sentence(random_: random.Random) -> str:
    """Words of everyday English in a frame, for all that the telephone does not speak of."""
    return _SLOT.sub(lambda _: random_.choice(_EVERYDAY), random_.choice(_FRAMES))


def _callers_sentence(random_: random.Random) -> str:
    words = utterances.training_utterance(random_).split()
    # Before "the", flite says "i'm" as in "him".
    text = " ".join(lexicon.spoken_words(words)).replace("i'm", "i am")
    return text + random_.choice(("", ".", ".", "?"))


def _digits(random_: random.Random) -> str:
    row = random_.choices(lexicon.DIGITS[:10], k=random_.randint(2, 8))
    if len(row) > 4 and random_.random() < 0.6:
        row[2] += ","
    return " ".join(row)


def _somebody(random_: random.Random) -> str:
    kind = random_.random()
    if kind < 0.35:
        return random_.choice(lexicon.DEPARTMENTS)
    first, last = random_.choice(NAMES.first), random_.choice(NAMES.last)
    return f"{first} {last}".title() if kind < 0.9 else f"Doctor {last.title()}"


_KINDS: Final[tuple[tuple[float, Callable[[random.Random], str]], ...]] = (
    (0.3, own_sentence),
    (0.35, _callers_sentence),
    (0.35, everyday_sentence),
)
