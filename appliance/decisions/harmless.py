"""What sounds like danger and is none: "fire drill", "dying to know", "nobody is hurt".

For English, as plain words. What is harmless becomes a full stop, so that the words around it do
not come together to something that was never said.
"""

import re
from collections.abc import Iterable

SERVICE = (
    r"(?:ambulances?|police|fire (?:department|brigade|service|engine|truck)|paramedics?"
    r"|firefighters?|emergency services?|coast ?guard)"
)
"""Those who come to help, as a pattern."""


def compiled(patterns: Iterable[str]) -> tuple[re.Pattern[str], ...]:
    """Patterns, each ready to be searched for."""
    return tuple(re.compile(pattern) for pattern in patterns)


_HARMLESS = compiled(
    (
        # Compounds.
        r"\bfire (?:exits?|escapes?|drills?|doors?|alarm (?:test\w*|inspection|company|system|"
        r"battery|contract|maintenance)|extinguishers?|inspections?|safety|certificates?|station"
        r"|lighters?|insurance|sale|up|places?|wood|works|proof|regulations?|officer|damage|report"
        r"|prevention|blankets?|protection)\b",
        r"\bfire (?:department|brigade|service)(?: \w+)? (?:billing|invoices?|bills?|office"
        r"|account|order|contract|training)\b",
        r"\b(?:smoke|burglar|fire) (?:alarms?|detectors?)(?= (?:battery|test|system|company|is low)"
        r"|$| for | please| to | and (?:it )?keeps)",
        r"\bsmoke (?:machine|break|free|detectors?)\b|\bno smoke\b",
        r"\bpolice (?:check|checks|report|reports|officer|museum|station|records?|academy|choir"
        r"|clearance|certificate|number|invoice|ball)\b",
        r"\bambulance (?:bill|bills|invoice|invoices|ride|costs?|charges?|fees?|insurance|parking"
        r"|company|station|driver|museum|(?:parking )?space|service (?:about|for|with|invoice"
        r"|bill))\b",
        r"\b(?:work|working|works|calling|am|is) (?:for|with|from|at|in) (?:the |an )?"
        + SERVICE
        + r"\b|\bthis is (?:the |an )?"
        + SERVICE
        + r"\b",
        r"\b(?:is|am|was|be|become) (?:a |an )?(?:paramedic|firefighter|police)\b",
        r"\b(?:flu|vaccine|vaccination|booster|screen|big|long|best|moon|head|photo|film"
        r"|pot) ?shots?\b"
        r"|\bshots? (?:in the dark|at|of (?:espresso|coffee|vodka))\b|\bgive it a shot\b",
        r"\b(?:photo|foto|film|video) ?shoot(?:ing)?\b|\bshooting (?:schedule|star|range|stars)\b"
        r"|\btroubleshoot\w*\b",
        r"\b(?:gun|knife|knives|bomb) (?:shop|sets?|licen[cs]e|shelter|sharpening|order|club"
        r"|show)\b"
        r"|\bglue gun\b|\bnail gun\b",
        r"\bbreathing (?:space|down|mask|machine|exercises?|room|apparatus)\b|\bbreathe a word\b",
        r"\blabou?r (?:costs?|laws?|office|day|union|charges?|court|market|party)\b",
        r"\b(?:crash|first aid) (?:course|kit|diet|test|report|box)\b",
        r"\bblood (?:tests?|results?|pressure|donations?|donor|type|sugar test|samples?|work)\b",
        r"\bgas (?:bills?|meters?|boilers?|cookers?|man|contracts?|company|stoves?|heaters?"
        r"|stations?"
        r"|supply|heating|grill|fitter|price|prices|account)\b",
        r"\b(?:accident|crash|robbery|burglary|incident) (?:claims?|reports?|insurance|forms?)\b",
        r"\bheart (?:clinic|doctor|specialist|check)\b|\bheart attack on a plate\b",
        r"\b(?:stroke|heart attack|seizure|accident) i had\b|\bold ambulance\b",
        # Idioms.
        r"\bdying (?:to|for) (?:\w+)\b|\bdead (?:tired|easy|line|end|set|certain)\b",
        r"\bnearly had a heart attack\b|\b(?:gave|give|gives) me a heart attack\b",
        r"\b(?:is|are|was|am|nearly|almost) (?:be )?killing me\b|\bmurder a\b|\b(?:is"
        r"|are) murder\b",
        r"\b(?:kill|murder|shoot|strangle) (?:me|him|her|us) (?:if|when|for|because|over)\b",
        r"\bstabbed (?:\w+ )?in the back\b|\bblew (?:up )?(?:the )?(?:deal|budget)\b"
        r"|\bdeal(?: \w+)? blew up\b|\bdeal (?:has )?collapsed\b",
        r"\b(?:printer|boss|manager|teacher|budget|bill|costs?|prices?|bottle|battery"
        r"|toner)(?: \w+)? "
        r"(?:exploded|blew up)\b",
        r"\b(?:negotiations?|talks|chair|table|shelf|box|tent|markets?|sales|system|cake|bed)"
        r"(?: has| have| just)? collapsed\b|\bcollapsed the\b",
        r"\b(?:drowning|buried|stuck|trapped|lost) in (?:a |an |the |my |this |that "
        r"|our )?(?:\w+ )?"
        r"(?:\w*work|traffic|meetings?|mail|emails?|contracts?|debts?|orders|details|queue|past"
        r"|menu|loop|line|jam|forms?|requests|bills)\b",
        r"\bdrowned (?:my|his|her|the|their) (?:phone|laptop|plants?|tablet)\b",
        r"\bstuck (?:on|with)\b|\bchoked up\b",
        r"\b(?:bomb of a|the bomb\b(?! is| was| has)|was a bomb|is a bomb of)\b",
        r"\bon fire with\b|\bmoney to burn\b|\bfire away\b|\bcease fire\b",
        r"\b(?:phone|battery|computer|laptop|car|line|printer|screen|server|engine)(?: \w+){0,4} "
        r"(?:die|dies|died|dying|dead)\b",
        r"\bbreaks? in the (?:\w+ )?(?:pipe|line|cable|glass|wall|fabric|contract|weather|road"
        r"|case)\b",
        r"\b(?:internet|connection|app|website|computer|software|phone|email|server|machine|printer"
        r"|page|program|screen|system|heater|elevator|lift|gate|door|engine|car|pump|router|modem"
        r"|account|link|button|key|card|office|shop|desk|line|department)(?: \w+){0,2} "
        r"(?:not|cannot|stopped) (?:be )?(?:\w+ing|respond|move|react|start|work|load|open)\b",
        r"\btook my (?:pills|tablets|medicine|medication)\b",
        r"\bbeat(?:s|ing)? (?:me to|a price|the price|their price|any|that)\b",
        r"\bhit (?:a parked|the wrong|a wall|a curb)\b",
        # Denials.
        r"\b(?:do not|never|no need to|did not|does not|need not|no one|nobody|should not|not to)"
        r"(?: have to| need to| want to| want you to| please)? "
        rf"(?:call|calls|called|send|sent|get|ring|dial|need|want)(?: \w+){{0,2}} {SERVICE}\b",
        r"\b(?:not|no one|nobody|no|never|without|none)(?: is| are| was| were| been| really| a| an"
        r"| any| one| in| got| has been| got)* (?:on fire|fire|bleeding|a bomb|bomb|dying|died|dead"
        r"|unconscious|choking|hurt|injured|harmed|danger|chest pains?|smoke|gas leak|weapon|gun"
        r"|threat|accident)\b",
        r"\bare you (?:hurt|injured|all right)\b|\bnot life (?:and|or) death\b",
        r"\bthere (?:is|was) no (?:fire|danger)\b",
    )
)
# "Emergency" and "ambulance" mean danger unless they stand in one of these.
_HARMLESS_EMERGENCIES = compiled(
    (
        r"\b(?:not|no|never|non|without|isnt|hardly|barely|neither|knot|know)(?: really| exactly"
        r"| a| an| any"
        r"| this| it| so much)* emergency(?: emergency)*\b",
        r"\bemergency (?:exits?|contacts?|numbers?|lights?|lighting|doors?|plans?|procedures?"
        r"|drills?"
        r"|training|appointments?|hours|departments?|forms?|kits?|funds?|buttons?|brakes?|stairs"
        r"|stairway|lines?|nurse|doctor job|room bill|repairs?|service contract|generator)\b",
        r"\b(?:in case of|in the event of|what .* in|counts? as|for|call it|is it) (?:an "
        r"|a )?emergency\b",
        r"\b(?:last|previous|yesterday|ago)\b.*\b(?:emergency|ambulance)\b",
        r"\b(?:for|about|from) (?:the|my|an) ambulance\b",
        r"\bdo you (?:have|offer|do|handle) (?:an |any )?(?:emergency|emergencies)\b",
    )
)


def without_harmless(text: str) -> str:
    """A plain text without compounds, idioms and denials."""
    return _without(_HARMLESS, text)


def without_harmless_emergencies(text: str) -> str:
    """A plain text without "emergency" and "ambulance" where they mean none."""
    return _without(_HARMLESS_EMERGENCIES, text)


def _without(patterns: Iterable[re.Pattern[str]], text: str) -> str:
    for pattern in patterns:
        text = pattern.sub(" . ", text)
    return text
