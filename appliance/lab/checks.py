"""Holding a call against what its scenario expects."""

from collections.abc import Iterable

from rapidfuzz import fuzz

from appliance.lab.account import CallAccount, DecisionAccount
from appliance.lab.results import CallResult
from appliance.lab.scenario import Expect, ExpectedDecision, ExpectedMessage

ALIKE = 75.0
"""Of 100: how alike words must be that went through a voice, a telephone line and a recognizer."""


def alike(wanted: str, found: str) -> bool:
    """Whether ``wanted`` occurs in ``found``, give or take what recognition does to it."""
    return fuzz.partial_ratio(wanted.lower(), found.lower()) >= ALIKE


def failures(expect: Expect, result: CallResult) -> list[str]:
    """Sentences about everything that is not as expected."""
    found = [*_sounds(expect, result), *_times(expect, result), *_line(expect, result)]
    if _needs_account(expect):
        if result.account is None:
            found.append("the appliance has no record of the call")
        else:
            found += _records(expect, result.account)
    return found


def _needs_account(expect: Expect) -> bool:
    return bool(
        expect.outcome
        or expect.target
        or expect.transfers is not None
        or expect.decisions
        or expect.said
        or expect.caller_name is not None
        or expect.message
        or expect.recording is not None
    )


def _sounds(expect: Expect, result: CallResult) -> Iterable[str]:
    told = " ".join(piece.text for piece in result.heard)
    for words in expect.heard:
        if not alike(words, told):
            yield f'the caller did not hear "{words}", but "{told}"'
    for extension, wanted in expect.desk_heard.items():
        told = " ".join(piece.text for piece in result.desk_heard.get(extension, []))
        for words in wanted:
            if not alike(words, told):
                yield f'desk {extension} did not hear "{words}", but "{told}"'


def _times(expect: Expect, result: CallResult) -> Iterable[str]:
    limit = expect.longest_silence_ms
    if limit is not None and result.longest_silence_ms > limit:
        yield f"a silence of {result.longest_silence_ms:.0f} ms; at most {limit} ms"
    if expect.max_reply_ms is not None:
        for reply in result.replies:
            if reply.delay_ms is not None and reply.delay_ms > expect.max_reply_ms:
                yield (
                    f'the reply to "{reply.said}" came after {reply.delay_ms:.0f} ms; '
                    f"at most {expect.max_reply_ms} ms"
                )
    limit = expect.interruption_stops_within_ms
    if limit is not None:
        if not result.interruptions_ms:
            yield "nothing was interrupted"
        for stopped_ms in result.interruptions_ms:
            if stopped_ms > limit:
                stopped = f"{stopped_ms:.0f} ms"
                yield f"the voice stopped {stopped} into the interruption; at most {limit} ms"


def _line(expect: Expect, result: CallResult) -> Iterable[str]:
    if expect.stations is not None and not _led_through(result.stations, expect.stations):
        yield f"the dialplan led through {result.stations}, not {expect.stations}"
    if expect.hangup_cause and result.hangup_cause not in expect.hangup_cause:
        yield f"hung up with {result.hangup_cause}, not {' or '.join(expect.hangup_cause)}"


def _records(expect: Expect, account: CallAccount) -> Iterable[str]:
    if expect.outcome and account.outcome not in expect.outcome:
        wanted = " or ".join(expect.outcome)
        yield f"outcome is {account.outcome or 'still open'} ({account.how}), not {wanted}"
    transfers = [(transfer.target, transfer.result) for transfer in account.transfers]
    if expect.transfers is not None:
        matches = len(transfers) == len(expect.transfers) and all(
            wanted.result == result and (wanted.target is None or alike(wanted.target, target))
            for wanted, (target, result) in zip(expect.transfers, transfers, strict=True)
        )
        if not matches:
            wanted_text = [f"{one.target or 'anybody'}: {one.result}" for one in expect.transfers]
            yield f"transfers were {transfers}, not {wanted_text}"
    if expect.target is not None:
        targets = [target for target, _ in transfers]
        targets += [decision.target for decision in account.decisions]
        if expect.target not in targets:
            yield f"the target was {targets or 'nobody'}, not {expect.target}"
    yield from _decisions(expect.decisions, account.decisions)
    said = " ".join(turn.text for turn in account.turns if turn.speaker == "appliance")
    for words in expect.said:
        if words.lower() not in said.lower():
            yield f'the appliance did not say "{words}", but "{said}"'
    name = expect.caller_name
    if name is not None and not account.caller_name.startswith(name):
        yield f"the caller's name is kept as {account.caller_name!r}, not {name!r}"
    if expect.message is not None:
        yield from _message(expect.message, account)
    if expect.recording is not None and bool(account.recording) != expect.recording:
        yield f"recording is {account.recording or 'missing'}"


def _decisions(wanted: list[ExpectedDecision], made: tuple[DecisionAccount, ...]) -> Iterable[str]:
    """Each wanted decision must occur, after the one before it."""
    rest = iter(made)
    for one in wanted:
        if not any(_is_decision(one, decision) for decision in rest):
            fields = one.model_dump(exclude_none=True)
            yield f"no decision with {fields}; there were {[_brief(each) for each in made]}"
            return


def _is_decision(wanted: ExpectedDecision, made: DecisionAccount) -> bool:
    return (
        (wanted.heard is None or alike(wanted.heard, made.heard))
        and wanted.intent in (None, made.intent)
        and wanted.action in (None, made.action)
        and wanted.target in (None, made.target)
        and wanted.priority in (None, made.priority)
        and (wanted.policy is None or wanted.policy in made.policies)
    )


def _brief(decision: DecisionAccount) -> str:
    target = f" {decision.target}" if decision.target else ""
    return f"{decision.heard!r}: {decision.intent}, {decision.action}{target}"


def _message(wanted: ExpectedMessage, account: CallAccount) -> Iterable[str]:
    if not account.messages:
        yield "no message was taken"
        return
    message = account.messages[-1]
    for name, value in wanted.model_dump(exclude_none=True).items():
        found = getattr(message, name)
        same = alike(value, found) if isinstance(value, str) else found == value
        if not same:
            yield f"the message's {name} is {found!r}, not {value!r}"


def _led_through(stations: list[str], expected: list[str]) -> bool:
    """Whether the dialplan led through these; ``hunt|voicemail`` stands for either."""
    return len(stations) == len(expected) and all(
        station in wanted.split("|") for station, wanted in zip(stations, expected, strict=True)
    )
