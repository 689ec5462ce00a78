"""Years of calls, made up, for trying pages and for measuring them: straight into the tables.

Conversations are a few dozen scripts with names, numbers and words put in, so that a search meets
common words, rare ones and all between. Calls come by day more than at night. The events that
calls are made of are left out; lists, search and figures do without them.

The database writes the rows itself, from a few tables of what there is to draw from. Where it is
empty, keys and indexes are made after the rows, all in one transaction: whatever happens, it is
either full with all of them, or as it was.
"""

import itertools
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from appliance.calls.errors import StorageError
from appliance.storage.urls import libpq_url

TURNS_PER_CALL = 10
# Seven of tables and indexes, the rest while they are made: sorting, and the write-ahead log.
BYTES_PER_CALL = 11_000
_BATCH = 20_000
_SEED = 0.4711
Tell = Callable[[str], None]
_OPENINGS = (
    "hello this is {name} calling about my {thing}",
    "good morning I have a question about the {thing} order {code}",
    "hi could you put me through to {target} please",
    "yes hello I need help with {thing} it is rather urgent",
    "my name is {name} and I want to speak to {target} about an invoice",
    "I would like to make an appointment for my {thing}",
)
_DETAILS = (
    "it is order number {code} and the {thing} arrived broken",
    "I was told that somebody would call me back about the {thing} last week",
    "no I have not received the {thing} yet",
    "the reference is {code} and my name is {name}",
    "can you tell me when you are open on saturday",
)
_WHERE = ("I live in {street}", "please send it to {street}", "it was left in {street} again")
_THANKS = ("yes please", "that is right thank you", "no thank you", "thank you very much goodbye")
_THINGS = (
    "delivery", "invoice", "refund", "contract", "prescription", "appointment", "bicycle",
    "insurance", "passport", "subscription", "boiler", "kitchen", "printer", "lawnmower", "piano",
    "telescope", "saxophone", "aquarium",
)  # fmt: skip
# Three of these make the name of a street. Of 4096 streets the first is where one caller in four
# lives, and some forty in a million live in each of the last.
_SYLLABLES = (
    "bar", "del", "fen", "gor", "hal", "kem", "lin", "mor", "nas", "pel", "rud", "sal", "tor",
    "vel", "wim", "zan",
)  # fmt: skip
_FIRST = (
    "Maria", "John", "Aisha", "Peter", "Lena", "Tomas", "Grace", "Yusuf", "Ingrid", "Paul",
    "Chiara", "Noah", "Olga", "Samuel", "Beatrix", "Hugo",
)  # fmt: skip
_LAST = (
    "Schmidt", "Jones", "Okafor", "Novak", "Rossi", "Lindqvist", "Meyer", "Garcia", "Dubois",
    "Hansen", "Kowalski", "Brown", "Yilmaz", "Petrov", "Quist", "Zimmermann",
)  # fmt: skip
TARGETS = ("Sales", "Support", "Accounts", "Anna Jones", "Reception", "Dr Weber")
# How calls end, and how often in a hundred.
_ENDINGS = (
    ("connected", 52), ("message_taken", 17), ("informed", 13), ("caller_hung_up", 12),
    ("fell_back", 4), ("lost", 1), ("no_media", 1),
)  # fmt: skip
_SCRIPTS = 60
_MAKE = """
CREATE TEMPORARY TABLE seed_scripts (
    script int, outcome text, priority text, labels text[], target text, transfers jsonb,
    decision jsonb, lasts_ms int);
CREATE TEMPORARY TABLE seed_turns (script int, turn int, speaker text, words text, begins_ms int,
    lasts_ms int);
CREATE TEMPORARY TABLE seed_calls (n bigint, call_id text, at timestamptz, script int, name text,
    number text, thing text, code text, street text, slow float8);
CREATE FUNCTION pg_temp.said(words text, c seed_calls) RETURNS text LANGUAGE sql IMMUTABLE
AS $$ SELECT replace(replace(replace(replace(
    words, '{name}', c.name), '{thing}', c.thing), '{code}', c.code), '{street}', c.street) $$;
"""
_DRAW = """
INSERT INTO seed_calls
SELECT n, 'seed-' || lpad(n::text, 12, '0'),
    -- Calls come the older first, so that the tables lie in the order of time.
    %(until)s::timestamptz - make_interval(secs => (1 - n / %(calls)s::float8) * %(span_s)s)
        + make_interval(hours => (%(hours)s::int[])[1 + floor(random() * 100)::int]
            - extract(hour FROM %(until)s::timestamptz
                - make_interval(secs => (1 - n / %(calls)s::float8) * %(span_s)s))::int,
            secs => random() * 60 - 30),
    floor(random() * %(scripts)s)::int,
    (%(first)s::text[])[1 + floor(random() * %(firsts)s)::int] || ' '
        || (%(last)s::text[])[1 + floor(random() * %(lasts)s)::int],
    '+4930' || (1000000 + floor(random() * 8999999)::int)::text,
    (%(things)s::text[])[1 + floor(power(random(), 2) * %(thing_count)s)::int],
    (10000 + floor(random() * 89999)::int)::text,
    (%(syllables)s::text[])[1 + (street >> 8)] || (%(syllables)s::text[])[1 + (street >> 4) %% 16]
        || (%(syllables)s::text[])[1 + street %% 16] || ' street',
    0.6 + random() * random() * 2
FROM (SELECT n, floor(power(random(), 6) * 4096)::int AS street
      FROM generate_series(%(begin)s::bigint, %(end)s::bigint) AS n) AS drawn
"""
_CALLS = """
INSERT INTO calls (organisation_id, call_id, first_event_at, last_event_at, last_seq, started_at,
    did, caller_number, caller_name, controller, sample_rate_hz, ended_at, outcome, cause, how,
    talked_ms)
SELECT %(mine)s, c.call_id, c.at, c.at + make_interval(secs => s.lasts_ms * c.slow / 1000), 30,
    c.at, '+49305550' || (c.n %% 4 + 100)::text, c.number, c.name, 'controller-1', 8000,
    c.at + make_interval(secs => s.lasts_ms * c.slow / 1000), s.outcome, 'NORMAL_CLEARING',
    'the caller hung up', (s.lasts_ms * c.slow)::int
FROM seed_calls AS c JOIN seed_scripts AS s USING (script)
"""
_TURNS = """
INSERT INTO turns (organisation_id, call_id, event_id, seq, at, turn, speaker, text, source,
    started_ms, ended_ms, confidence, interrupted, delays_ms, model)
SELECT %(mine)s, c.call_id, gen_random_uuid(), t.turn * 2, c.at + t.begins_ms * interval '1 ms',
    t.turn, t.speaker, pg_temp.said(t.words, c),
    CASE t.speaker WHEN 'caller' THEN 'speech' ELSE 'prompt' END, t.begins_ms,
    t.begins_ms + t.lasts_ms,
    CASE t.speaker WHEN 'caller' THEN 0.5 + 0.5 * sqrt(random()) ELSE 1 END, false,
    CASE WHEN t.speaker = 'caller' THEN jsonb_build_object(
        'endpoint', round(280 + 120 * random()), 'transcribe', round(90 * c.slow + 60 * random()))
    WHEN t.turn > 1 THEN jsonb_build_object('endpoint', 320, 'transcribe', round(120 * c.slow),
        'decide', round(40 * c.slow * random() + 2),
        'first_audio', round(180 * c.slow + 90 * random()),
        'reply', round(500 * c.slow + 150 * random()))
    ELSE '{}' END, CASE t.speaker WHEN 'caller' THEN 'whisper-starter' ELSE '' END
FROM seed_calls AS c JOIN seed_turns AS t USING (script)
"""
_DECISIONS = """
INSERT INTO decisions (organisation_id, call_id, event_id, seq, at, turn, heard, intent, action,
    target_id, priority, confidence, took_ms, model, directory_version, decision)
SELECT %(mine)s, c.call_id, gen_random_uuid(), t.turn * 2 + 1,
    c.at + (t.begins_ms + t.lasts_ms) * interval '1 ms', t.turn,
    pg_temp.said(t.words, c), s.decision ->> 'intent', s.decision ->> 'action',
    s.decision ->> 'target_id', s.priority,
    0.55 + 0.45 * random(), 3 + 40 * random(), 'decider-starter', '1', s.decision
FROM seed_calls AS c JOIN seed_scripts AS s USING (script)
JOIN seed_turns AS t ON t.script = c.script AND t.turn = 2
"""
_TRANSFERS = """
INSERT INTO transfers (organisation_id, call_id, transfer, seq, target_id, target_name, extensions,
    mode, leg_id, announcement, started_at, ended_at, result, cause, took_ms)
SELECT %(mine)s, c.call_id, (t.place)::int, 20 + t.place::int, s.decision ->> 'target_id',
    s.target, ARRAY['20' || t.place], t.item ->> 'mode', c.call_id || '-desk-' || t.place,
    c.name || ' about a ' || c.thing, c.at + interval '30 s', c.at + interval '38 s',
    t.item ->> 'result', '', (8000 * c.slow)::int
FROM seed_calls AS c JOIN seed_scripts AS s USING (script),
    jsonb_array_elements(s.transfers) WITH ORDINALITY AS t (item, place)
"""
_MESSAGES = """
INSERT INTO messages (organisation_id, call_id, event_id, seq, at, target_id, target_name,
    caller_name, callback_number, text, urgent)
SELECT %(mine)s, c.call_id, gen_random_uuid(), 29, c.at + interval '60 s',
    coalesce(s.decision ->> 'target_id', ''), s.target, c.name, c.number,
    'please call me back about the ' || c.thing || ' ' || c.code, s.priority <> 'normal'
FROM seed_calls AS c JOIN seed_scripts AS s USING (script) WHERE s.outcome = 'message_taken'
"""
_FILLED = ("calls", "turns", "decisions", "transfers", "messages", "call_list", "figures")
# Keys that rows are made, or counted, by.
_KEPT = ("pk_calls", "pk_call_list", "pk_figures")
_EMPTY = """
SELECT pg_relation_size(oid) = 0 AND pg_has_role(relowner, 'USAGE')
FROM pg_class WHERE oid = 'public.calls'::regclass
"""
_DEFINITIONS = """
SELECT format('ALTER TABLE %%s DROP CONSTRAINT %%I', conrelid::regclass, conname),
    format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', conrelid::regclass, conname,
           pg_get_constraintdef(oid))
FROM pg_constraint
WHERE conrelid = ANY (%(tables)s::regclass[]) AND contype IN ('f', 'p')
    AND conname <> ALL (%(kept)s)
UNION ALL
SELECT format('DROP INDEX %%s', indexrelid::regclass), pg_get_indexdef(indexrelid)
FROM pg_index WHERE indrelid = ANY (%(tables)s::regclass[]) AND NOT indisprimary
"""


@dataclass(frozen=True, slots=True)
class _Script:
    outcome: str
    priority: str
    labels: list[str]
    target: str
    transfers: list[dict[str, str]]
    turns: list[tuple[str, str]]


def seed(
    database_url: str, organisation_id: str, calls: int, *, until: datetime, days: int = 365,
    tell: Tell = lambda _: None,
) -> None:  # fmt: skip
    """Write ``calls`` calls of ten turns each, the newest at ``until``, and count them.

    Args:
        database_url: of the owner of the tables, or of the application.
        organisation_id: whose calls they are; it must not have been seeded before.
        days: over which they are spread.
        tell: told how it goes.

    Raises:
        StorageError: the database is out of reach, or has seeded calls of this organisation.
    """
    try:
        with psycopg.connect(libpq_url(database_url), autocommit=True) as connection:
            _seed(connection, organisation_id, calls, until, days, tell)
    except psycopg.Error as error:
        raise StorageError(f"seeding the database: {str(error).strip().splitlines()[0]}") from error


def _seed(
    connection: psycopg.Connection[Any], mine: str, calls: int, until: datetime, days: int,
    tell: Tell,
) -> None:  # fmt: skip
    connection.execute("SELECT set_config('appliance.organisation_id', %s, false)", [mine])
    connection.execute("SET work_mem = '256MB'")
    connection.execute("SET maintenance_work_mem = '1GB'")
    connection.execute("SET jit = off")
    # Made-up calls may be lost with the machine's power.
    connection.execute("SET synchronous_commit = off")
    connection.execute("SELECT setseed(%s)", [_SEED])
    connection.execute(_MAKE)
    _write_scripts(connection, list(_scripts()))
    with connection.transaction():
        later = _put_off(connection)
        _write_rows(connection, mine, calls, until, days, tell)
        tell("words and figures")
        connection.execute("SELECT appliance_recount()")
        for number, statement in enumerate(later, 1):
            tell(f"keys and indexes: {number} of {len(later)}")
            connection.execute(statement)
    tell("statistics")
    connection.execute("VACUUM (ANALYZE) calls, turns, decisions, transfers, call_list, figures")


def _put_off(connection: psycopg.Connection[Any]) -> list[bytes]:
    """Drop what a database without calls may do without; the statements that make it again.

    Tables of others' calls, and those that somebody else owns, are left as they are.
    """
    empty = connection.execute(_EMPTY).fetchone()
    if empty is None or not empty[0]:
        return []
    dropped = connection.execute(_DEFINITIONS, {"tables": list(_FILLED), "kept": list(_KEPT)})
    later = []
    for drop, make in dropped.fetchall():
        connection.execute(drop.encode())
        later.append(make.encode())
    return later


def _write_rows(
    connection: psycopg.Connection[Any], mine: str, calls: int, until: datetime, days: int,
    tell: Tell,
) -> None:  # fmt: skip
    for begin in range(0, calls, _BATCH):
        end = min(begin + _BATCH, calls)
        drawn = {
            "until": until, "calls": calls, "span_s": days * 86_400, "hours": _HOURS,
            "scripts": _SCRIPTS, "first": list(_FIRST), "firsts": len(_FIRST), "last": list(_LAST),
            "lasts": len(_LAST), "things": list(_THINGS), "thing_count": len(_THINGS),
            "syllables": list(_SYLLABLES), "begin": begin + 1, "end": end,
        }  # fmt: skip
        connection.execute("TRUNCATE seed_calls")
        connection.execute(_DRAW, drawn)
        connection.execute("ANALYZE seed_calls")
        for statement in (_CALLS, _TURNS, _DECISIONS, _TRANSFERS, _MESSAGES):
            connection.execute(statement, {"mine": mine})
        tell(f"{end} calls of {calls}")
    connection.execute("ANALYZE calls, turns, decisions, transfers, messages")


# A hundred hours of the day, as calls are spread over it.
_SHAPE = (0, 0, 0, 0, 0, 0, 1, 3, 9, 12, 12, 10, 7, 8, 10, 10, 8, 5, 2, 1, 1, 1, 0, 0)
_HOURS = [hour for hour, count in enumerate(_SHAPE) for _ in range(count)]


def _scripts() -> Iterator[_Script]:
    draw = random.Random(4711)
    outcomes = [outcome for outcome, often in _ENDINGS for _ in range(often)]
    for place in range(_SCRIPTS):
        outcome = outcomes[place * len(outcomes) // _SCRIPTS]
        target = TARGETS[place % len(TARGETS)]
        priority = draw.choices(("low", "normal", "high", "emergency"), (5, 84, 9, 2))[0]
        mode = draw.choice(("attended", "attended", "attended", "blind"))
        failed = draw.choice(("busy", "no_answer", "declined"))
        transfers = {
            "connected": [{"mode": mode, "result": "connected"}],
            "message_taken": [{"mode": mode, "result": failed}],
            "fell_back": [{"mode": mode, "result": "unreachable"}],
        }.get(outcome, [])
        labels = [[], [], [], ["after hours"], ["vip"], ["wrong number"]][place % 6]
        yield _Script(
            outcome, priority, labels, target, transfers, list(_turns(draw, target))
        )  # fmt: skip


def _turns(draw: random.Random, target: str) -> Iterator[tuple[str, str]]:
    yield "appliance", "Harbour Clinic, good day. How can I help you?"
    said = [
        draw.choice(_OPENINGS), *draw.sample(_DETAILS, 2), draw.choice(_WHERE),
        draw.choice(_THANKS),
    ]  # fmt: skip
    answers = (
        "May I ask what it is about?", "One moment, I will look for {target}.",
        "Thank you. I am connecting you with {target}.", "Goodbye.",
    )  # fmt: skip
    for words, answer in itertools.zip_longest(said, answers, fillvalue=""):
        yield "caller", words.replace("{target}", target)
        if answer:
            yield "appliance", answer.replace("{target}", target)


def _write_scripts(connection: psycopg.Connection[Any], scripts: list[_Script]) -> None:
    targets = dict(
        connection.execute(
            "SELECT name, id::text FROM people UNION ALL SELECT name, id::text FROM departments"
        ).fetchall()
    )
    for place, script in enumerate(scripts):
        at_ms = 0
        for turn, (speaker, words) in enumerate(script.turns[:TURNS_PER_CALL], 1):
            lasts_ms = 60 * len(words) + 300
            connection.execute(
                "INSERT INTO seed_turns VALUES (%s, %s, %s, %s, %s, %s)",
                (place, turn, speaker, words, at_ms, lasts_ms),
            )
            at_ms += lasts_ms + 700
        transfer = bool(script.transfers)
        decision = {
            "heard": "", "intent": "transfer" if transfer else "hours",
            "action": "transfer" if transfer else "answer",
            "target_id": targets.get(script.target, f"seed-{script.target}"),
            "priority": script.priority, "labels": script.labels,
            "verdicts": [
                {"policy": "emergency", "verdict": "passed", "reason": "no word of danger",
                 "took_ms": 0.1},
                {"policy": "directory", "verdict": "proposed",
                 "reason": f"{script.target} is the closest name", "took_ms": 0.6},
                {"policy": "language_model", "verdict": "proposed",
                 "reason": f"the caller asks for {script.target}", "took_ms": 21.4},
                {"policy": "guard", "verdict": "decided",
                 "reason": f"{script.target} may be called now", "took_ms": 0.1},
            ],
        }  # fmt: skip
        connection.execute(
            "INSERT INTO seed_scripts VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            (
                place, script.outcome, script.priority, script.labels, script.target,
                Jsonb(script.transfers), Jsonb(decision, dumps=json.dumps), at_ms,
            ),
        )  # fmt: skip
