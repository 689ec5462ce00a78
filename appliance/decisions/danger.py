"""Words of danger. For English, as plain words.

Three steps: what sounds like danger and is none is taken out of the sentence (see `harmless`); then
what can only be happening now is looked for; then what may also be long over ("had a heart
attack"), which counts unless the sentence speaks of the past or of papers ("last year", "the
accident report").

A missed emergency is worse than a false one, so patterns are wide and what is harmless is named.
"""

import re
from collections.abc import Iterable

from appliance.decisions.harmless import (
    SERVICE,
    compiled,
    without_harmless,
    without_harmless_emergencies,
)

_PERSON = (
    r"(?:i|he|she|they|we|him|her|husband|wife|man|woman|child|children|kid|boy|girl|baby|son"
    r"|daughter|mother|father|mum|mom|dad|brother|sister|friend|colleague|grand\w+|neighbour"
    r"|neighbor|guy|lady|person|patient|toddler|somebody|someone|worker|uncle|aunt|people|cousin"
    r"|boss|client|customer|partner|boyfriend|girlfriend|parents?|student|pupil|driver)"
)
_KIN = r"(?:child|children|kid|boy|girl|baby|son|daughter|toddler|year old)"
_WEAPON = r"(?:gun|knife|pistol|rifle|weapon|machete|shotgun|axe|grenade)"
_VEHICLE = r"(?:car|cars|bus|truck|train|lorry|van|tram|motorbike|taxi)"
_BUILT = r"(?:building|roof|ceiling|wall|bridge|scaffold(?:ing)?|house|floor|crane|tunnel)"
_LIMB = r"(?:fingers?|hands?|arms?|legs?|feet|foot|toes?|thumb)"
_POISON = (
    r"(?:poison|bleach|cleaner|antifreeze|detergent|acid|chemicals?|pesticide|petrol|pills|tablets"
    r"|medicine|medication|batter(?:y|ies)|berries|fluid|under the sink)"
)


# Happening now, whatever else is in the sentence.
_NOW = compiled(
    (
        rf"\b(?:call|send|get|fetch|ring|dial|need|want|phone|require"
        rf"|use)(?: \w+){{0,3}}? {SERVICE}\b",
        rf"^(?:\w+ ){{0,2}}{SERVICE}(?: please| now| quick| quickly| here| hurry)*$",
        rf"\b(?:through|connect me|transfer me) to (?:the )?{SERVICE}$",
        r"\b(?:call|dial|ring|phone) (?:nine one one|nine nine nine|one one two|911|999|112"
        r"|triple nine|triple zero)\b",
        # Fire.
        r"\bthere (?:is|are)(?: \w+){0,3} (?:fire|flames)\b|\bthere (?:is"
        r"|are)(?: \w+){0,2} smoke\b",
        r"\b(?:fire|flames|smoke)(?: is| are)? (?:in|coming|pouring|everywhere|at|from|out"
        r"|filling|spreading)\b",
        r"\b(?:on|caught|catching|set|see) fire\b|\b(?:in|see)(?: \w+)? flames\b"
        r"|\bsee (?:\w+ )?smoke\b",
        r"^(?:\w+ ){0,2}fire(?: fire)*(?: please| now| help| quick)*$",
        r"\b(?:need|send|call|get) the fire(?: please| now| help| quick| quickly)*$",
        r"\b(?:is|are|something|everything|it|car|house|building|roof|kitchen|bin) burning\b"
        r"|\bburning down\b",
        r"\b(?:smoke|fire) alarms? (?:is|are|has|have|went|just|keeps)(?: \w+){0,2} "
        r"(?:ringing|off|going)\b",
        # Breath, heart, consciousness.
        r"\b(?:not|cannot|no|never|stopped|hardly|barely|trouble|difficulty|struggl\w+|stops)"
        r"(?: really| even| to| properly)* (?:breathe|breathing)\b|\bgasping\b|\bno heartbeat\b",
        r"\bshort of breath\b|\bfighting for (?:breath|air)\b|\bsuffocating\b|\bchoking\b",
        rf"\b(?:turn\w*|going|gone|went|lips are|face is|{_PERSON} is) blue\b",
        r"\b(?:throat|tongue|face)(?: is| are| has)? (?:swelling|closing|swollen)\b"
        r"|\bswelling up\b",
        rf"\b{_PERSON}(?: \w+){{0,7}}? (?:not|no|never|cannot) (?:\w+ )?(?:responding|respond"
        r"|react\w*"
        r"|moving|move|waking|wake|conscious)\b(?! (?:to (?:my|the|your)|my|the|our|it|on|house))",
        r"\b(?:not|cannot|never|unable to)(?: \w+){0,4} wake\b|\bnot answering me\b|\bout cold\b",
        r"\bno(?:t find| longer feel|t feel)?(?: a| his| her| any)? pulse\b"
        r"|\bcannot (?:find|feel) (?:a|his|her|any) pulse\b|\bno heart ?beat\b|\bheart (?:is "
        r"|has )?stopp",
        r"\b(?:face|mouth|side)(?: \w+){0,5} (?:droop\w*|slack)\b|\bslurr\w+\b",
        r"\bcannot (?:talk|speak) properly\b|\barm(?: \w+){0,3} numb\b|\bconvuls\w+\b",
        r"\bepileptic (?:fit|seizure|attack)\b|\bhaving a fit\b|\bit is a fit\b",
        r"\bpass(?:es|ing) out\b|\beyes rolled\b|\bvery high fever\b",
        r"\bnot going to make it(?= |$)(?! (?:to|in|on|for|today|by|there))",
        # Blood and wounds.
        r"\bblood (?:everywhere|all over|is|coming|gushing|pouring|on the)\b|\bgushing\b"
        r"|\b(?:losing|lost|much|lot of|covered in|full of) (?:\w+ ){0,3}blood\b",
        rf"\bcut (?:off )?(?:my|his|her|their)(?: \w+)? (?:wrists?|throat|artery|neck|{_LIMB})\b"
        rf"|\bslit\b|\bcut off (?:a|one|two|my|his|her) {_LIMB}\b",
        rf"\bthrough (?:my|his|her|the) {_LIMB}\b|\b{_LIMB}(?: \w+){{0,3}} caught in\b",
        # Poison and the wish to die.
        rf"\b(?:swallowed|drank|drunk|drinks|ate|eaten|eats|swallows)(?: \w+){{0,6}}? {_POISON}\b",
        r"\b(?:took|taken|takes|swallowed)(?: \w+)? (?:too many|too much|all|a whole|the whole"
        r"|a lot"
        rf"|a box|a bottle|lots)(?: \w+){{0,4}} {_POISON}\b",
        r"\b(?:took|taken) (?:\w+ )?(?:poison|bleach|cleaning fluid|antifreeze)\b",
        r"\boverdos\w*\b|\bpoisoned\b|\bsuicid\w*\b|\bsnake ?bite\b|\bbitten by a snake\b",
        r"\b(?:kill|hang|hurt|harm|shoot) (?:myself|himself|herself|themselves|themself)\b"
        r"|\bkilling (?:myself|himself|herself)\b|\b(?:want|wants|going|about) to die\b",
        r"\bnot want to (?:live|be alive|go on living)\b|\bend(?:ing)? (?:my|his|her|it|their|own)"
        r"(?: own)? (?:life|all)\b|\b(?:threatening|threatens|wants?|trying|tries|going"
        r"|about) to jump\b"
        r"|\bjump(?:ing|ed)? off\b",
        # Violence.
        r"\bactive shooter\b|\bshooter\b|\bgunshots?\b|\bgunman\b|\bshots (?:were "
        r"|are )?(?:being )?fired\b"
        r"|\b(?:is|are|started) shooting\b|\bhostages?\b|\b(?:knife|gun)point\b",
        rf"\b(?:has|have|with|got|carrying|waving|pulled|holding|pointing"
        rf"|there is)(?: \w+){{0,3}}? "
        rf"{_WEAPON}\b|\bbombs?\b|\bticking\b",
        r"\b(?:is|are|keeps?|was|starts?|started|being) (?:attacking|beating|hitting|strangling"
        r"|threatening|stabbing|raping|robbing|choking|following|attacked|followed|beaten)\b"
        r"|\bbeing (?:held|robbed|mugged)\b|\bheld (?:at|against)\b",
        r"\b(?:not stop|stop) beating\b|\b(?:he|she|husband|wife|boyfriend|girlfriend|father) "
        r"(?:just |has )*(?:hits?|hit|beats?|beat) (?:me|her|him|us)\b",
        r"\b(?:going to|will|wants to|trying to|threatened to|threatening to) (?:kill|hurt|shoot"
        r"|stab|harm|murder) (?:me|him|her|us|them|somebody|someone|people|everyone)\b",
        r"\b(?:breaking|break|broke|broken) in(?:to)? (?:and|right now|now|my|our|the)\b"
        r"|\bbreaking in\b|\btrying to break\b|\bstill inside\b",
        r"\b(?:intruder|burglar|thief|stranger)s? (?:is |are )?(?:in|inside|downstairs|upstairs"
        r"|here"
        r"|outside|at)\b|\b(?:man|somebody|someone) is in (?:my|our) (?:house|home|flat|apartment"
        r"|garden|shop)\b|\bthere is (?:an |a )?(?:intruder|burglar|thief|robber)\b",
        rf"\b(?:somebody|someone|man|woman|they|he) (?:has |just |have )*(?:took|taken|grabbed"
        rf"|snatched|kidnapped|abducted) (?:him|her|(?:my|a|our|the) (?:\w+ )?{_KIN})\b"
        r"|\bkidnapp\w+\b",
        rf"\b{_KIN}(?: \w+){{0,3}} (?:is missing|missing|disappeared|vanished)\b",
        # Accidents.
        rf"\b(?:hit|run over|knocked down|struck) by (?:\w+ )?(?:a|the) (?:\w+ )?{_VEHICLE}\b"
        rf"|\b{_VEHICLE} (?:has |have |just |was )*(?:hit|ran over|run over|crashed|gone into|went "
        r"into|fell into)\b|\bran over (?:a|somebody|someone|my|him|her)\b",
        r"\b(?:trapped|pinned|buried|stuck|caught|crushed)(?: \w+){0,2}? (?:under|inside|beneath"
        r"|between|downstairs|upstairs|in here|in the|on the|behind|in a burning)\b"
        r"|\b(?:am|are|is|people|somebody|someone|everybody) (?:all )?(?:trapped|buried"
        r"|locked in)\b",
        r"\bpeople under\b|\b(?:fell|fallen|came down|come down|collapsed) on (?:somebody"
        r"|someone|him"
        r"|her|us|me|people|the tracks)\b",
        rf"\b{_BUILT} (?:is |has |just |was )*(?:collaps\w+|coming down|come down|came down"
        r"|caved in)\b",
        r"\b(?:electric|bad|terrible) shock\b|\bgot a shock and\b|\belectrocuted\b|\bcannot swim\b",
        r"\b(?:is|are|somebody|someone|am) drowning\b",
        r"\b(?:fell|fallen|gone|fall) (?:in|into) the (?:\w+ )?(?:pool|lake|river|water|canal"
        r"|sea|well|shaft)\b",
        # Gas and chemicals.
        r"\bsmell(?:ing|s)?(?: \w+){0,2} gas\b|\bgas(?: \w+){0,2} (?:leak\w*|smell)\b"
        r"|\bgas is coming\b",
        r"\b(?:chemicals?|acid|ammonia|chlorine|toxic|fumes)(?: \w+){0,4} (?:leak\w*|spill\w*"
        r"|spilled"
        r"|fumes|coming|eyes?|face)\b|\b(?:carbon monoxide|co) alarm\b",
        r"\b(?:gas|acid|chemicals?|smoke)(?: \w+){0,2} (?:everywhere|spilling|spilled)\b",
        rf"\b(?:{_LIMB}|head) (?:is|are|was) (?:\w+ )?(?:crushed|cut off|torn|stuck in)\b",
        # Illness and birth.
        r"\banaphyla\w+\b|\ballergic (?:shock|reaction)\b|\basthma attack\b",
        r"\b(?:in|into) labou?r\b|\bwaters? (?:has |have |just )*(?:broke|broken)\b"
        r"|\bgiving birth\b"
        r"|\bbaby is coming\b|\bhead is out\b",
        # Death and danger.
        r"\b(?:is|are|am) dying\b|\bgoing to die\b|\bfound (?:a|the|his|her) body\b|\ba body here\b"
        r"|\bdead (?:man|woman|body|person|child)\b|\b(?:he|she) is dead\b|\blife (?:and"
        r"|or) death\b",
        r"\b(?:am|are|is|we|life|lives|people|everybody|everyone|children) in danger\b"
        r"|\bsave (?:me|us|him|her)\b$|\bmayday\b",
        r"\b(?:need|use|require) (?:a |the )?(?:doctor|nurse|help|medic) (?:right )?(?:now|quick"
        r"|quickly|fast"
        r"|immediately|urgently|at once)\b(?! (?:with|for|on|about))",
        r"\bget a doctor\b|\b(?:send|call) (?:help(?! desk)|somebody quick|a doctor)\b"
        r"|\bget help\b(?! with| from| on| desk)",
        r"^(?:hello |please |somebody |someone |oh god |quick )*help(?: help)*(?: me| us)?"
        r"(?: please| now| quick| quickly| fast| hello)*$",
    )
)

# Happening now unless the sentence speaks of the past or of papers.
_EVENTS = compiled(
    (
        r"\b(?:heart attack|cardiac arrest|unconscious|unresponsive|seizure|stroke)\b",
        r"\b(?:collapsed|collapsing|passed out|fainted|bleeding)\b",
        r"\b(?:pain|pains|pressure|tightness)(?: \w+)? in (?:my|his|her|the) chest\b"
        r"|\bchest pains?\b"
        r"|\bchest (?:\w+ )?(?:hurts?|is tight|is hurting|tight)\b",
        r"\b(?:badly|seriously|severely|terribly|critically) (?:\w+ )?(?:hurt|injured|burned|burnt"
        r"|wounded|cut)\b|\bhurt (?:very )?badly\b",
        rf"\b{_PERSON}(?: \w+){{0,2}}? (?:is|are|got|was|were|am|gets|been) (?:hurt|injured"
        r"|wounded)\b",
        rf"\b{_PERSON}(?: \w+){{0,3}}? (?:fell|fall|falls|fallen|dropped)(?: \w+)? (?:down|off|from"
        r"|out of|on the|onto the|to the (?:floor|ground)|through)\b|\bfell and\b",
        rf"\b{_PERSON}(?: \w+){{0,3}} (?:lying|lies|laying)(?: \w+)? (?:on|in) (?:the|a|floor)\b",
        r"\b(?:drank|swallowed|took) too much$|\b(?:drank|swallowed) too much (?:of|and)\b",
        r"\bhit (?:her|his|my) head\b|\bnot making sense\b",
        r"\b(?:exploded|explosion|blew up|blown up|shooting|gas leak)\b",
        r"\bt?here (?:is|was|has|have|are)(?: \w+){0,4}? (?:accident|crash|collision|attack|robbery"
        r"|fire)\b",
        r"\b(?:been|got|was|were|am|is|getting) (?:just |being |all )*(?:attacked|assaulted|robbed"
        r"|stabbed|shot|strangled|raped|mugged|beaten)\b|\b(?:raped|assaulted|stabbed|attacked"
        r"|shot)"
        r" (?:me|my|him|her|a|us|somebody|someone)\b",
        r"\b(?:broke|broken|break) in(?:to)?\b|\bdrowned\b|\bstung by\b",
    )
)
_OVER = re.compile(
    r"\b(?:last (?:year|month|week|summer|winter|spring|autumn|fall|time|\w+day)|(?:years?|months?"
    r"|weeks?|days) ago|yesterday|ages ago|in (?:january|february|march|april|may|june|july|august"
    r"|september|october|november|december)|since then|used to|previous|he is fine|she is fine"
    r"|am fine"
    r"|it is fine)\b"
)
_PAPERS = re.compile(
    r"\b(?:claims?|reports?|insurance|insurer|invoices?|bills?|refund|receipts?|records?|files?"
    r"|forms?"
    r"|certificates?|training|course|drill|inspection|quote|statement|policy|film|movie|book|game"
    r"|play|painting|contract|legal)\b"
)

# Said in the middle of a sentence and over again, by people who are frightened.
_FILLERS = re.compile(
    r"\b(?:you know|i mean|well|like|oh god|god|actually|really|basically|kind of|sort of|perhaps"
    r"|maybe|also|then)\b ?"
)
_AGAIN = re.compile(r"\b((?!one|nine)\w+(?: (?!one|nine)\w+)?)(?: \1\b)+")
# Little words that a recogniser puts for others of the same sound, or leaves out.
_MISHEARD = tuple(
    (re.compile(pattern), meant)
    for pattern, meant in (
        (r"\btheir (?=is|are|was|has)|\bthere (?=an? )", "there is "),
        (r"\b(he|she|it|arm|leg|hand|head|face) his\b", r"\1 is"),
        (r"\b(people|they|we) or\b", r"\1 are"),
        (r"\bthe (?=my |our )", ""),
        (r"\b(is|are) still(?= burning| on fire| bleeding)", r"\1"),
    )
)
_LIKELY = compiled((r"\b(?:emergency|ambulance|mayday)\b",))


def danger_in(text: str) -> str:
    """The words (of a plain text) that tell of danger; empty when none do."""
    steady = _AGAIN.sub(r"\1", " ".join(_FILLERS.sub(" ", text).split()))
    for pattern, meant in _MISHEARD:
        steady = pattern.sub(meant, steady)
    left = without_harmless(steady)
    if found := _first(_NOW, left):
        return found
    over = _OVER.search(steady) or _PAPERS.search(steady)
    if not over and (found := _first(_EVENTS, left)):
        return found
    return _first(_LIKELY, without_harmless_emergencies(left))


def _first(patterns: Iterable[re.Pattern[str]], text: str) -> str:
    return next((found[0] for pattern in patterns if (found := pattern.search(text))), "")
