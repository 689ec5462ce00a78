"""The words that callers of an organisation are likely to say, for recognisers that can use them.

Whether an engine is given them is its server's business: some get worse with them.
"""

from itertools import chain

from appliance.calls.directory import Department, Directory, Target

MOST_WORDS = 100
MOST_CHARACTERS = 2000


def hotwords_of(directory: Directory) -> tuple[str, ...]:
    """Names of departments and people, then their aliases, then topics; each once.

    At most `MOST_WORDS` of them and `MOST_CHARACTERS` together: a recogniser that is given a whole
    telephone book begins to hear names everywhere.
    """
    targets: list[Target] = [*directory.departments, *directory.people]
    topics = (topic for one in targets if isinstance(one, Department) for topic in one.topics)
    said = chain(
        (target.name for target in targets),
        (alias for target in targets for alias in target.aliases),
        topics,
    )
    chosen: dict[str, str] = {}
    left = MOST_CHARACTERS
    for word in said:
        plain = " ".join(word.split())
        if not plain or plain.casefold() in chosen:
            continue
        left -= len(plain)
        if left < 0 or len(chosen) >= MOST_WORDS:
            break
        chosen[plain.casefold()] = plain
    return tuple(chosen.values())
