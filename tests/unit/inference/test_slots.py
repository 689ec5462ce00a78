"""Which sequence a prompt runs in."""

import numpy as np

from appliance.inference.slots import Placement, SlotTable, Tokens, common_length


def tokens(*runs: tuple[int, int]) -> Tokens:
    """Runs of (token, how often)."""
    parts = [np.full(count, token, np.int32) for token, count in runs]
    return np.concatenate([np.zeros(0, np.int32), *parts])


SYSTEM = tokens((1, 400))


def asked(table: SlotTable, call: str, *end: tuple[int, int], system: Tokens = SYSTEM) -> Placement:
    """Place a prompt, and have it evaluated."""
    prompt = np.concatenate([system, tokens(*end)])
    place = table.place(call, prompt)
    table.record(place.slot, prompt)
    return place


def test_what_two_have_in_common() -> None:
    assert common_length(tokens((1, 3), (2, 2)), tokens((1, 3), (3, 2))) == 3
    assert common_length(tokens((1, 3)), tokens((1, 5))) == 3
    assert common_length(tokens((1, 2)), tokens((2, 2))) == 0
    assert common_length(np.zeros(0, np.int32), SYSTEM) == 0


def test_a_call_finds_its_prompt_again() -> None:
    table = SlotTable(3)
    first = asked(table, "a", (5, 10))
    assert first.keep == 0
    again = asked(table, "a", (6, 10))
    assert again == Placement(first.slot, 400)


def test_the_last_token_is_always_evaluated() -> None:
    table = SlotTable(1)
    asked(table, "a")
    assert asked(table, "a").keep == 399


def test_a_new_call_copies_the_prompt_it_shares() -> None:
    table = SlotTable(3)
    first = asked(table, "a", (5, 10))
    second = asked(table, "b", (6, 10))
    assert second.slot != first.slot
    assert second == Placement(second.slot, 400, copy_from=first.slot)


def test_a_short_beginning_is_not_worth_copying() -> None:
    table = SlotTable(2)
    short = tokens((1, 20))
    asked(table, "a", (5, 10), system=short)
    assert asked(table, "b", (6, 10), system=short).copy_from is None


def test_calls_keep_apart_and_the_one_silent_for_longest_gives_way() -> None:
    table = SlotTable(2)
    other = tokens((2, 400))
    third = tokens((3, 400))
    a = asked(table, "a", (5, 1))
    b = asked(table, "b", (5, 1), system=other)
    assert asked(table, "a", (6, 1)).keep == 400
    assert asked(table, "c", (5, 1), system=third).slot == b.slot
    assert asked(table, "a", (7, 1)) == Placement(a.slot, 400)
    assert asked(table, "b", (6, 1), system=other).keep == 0


def test_the_sequence_of_a_call_that_is_over_goes_first() -> None:
    table = SlotTable(2)
    a = asked(table, "a", (5, 1))
    asked(table, "b", (5, 1), system=tokens((2, 400)))
    asked(table, "a", (6, 1))
    table.forget("a")
    # Its prompt is what the next one needs: nothing has to be copied.
    assert asked(table, "c", (7, 1)) == Placement(a.slot, 400)


def test_what_failed_half_way_counts_for_nothing() -> None:
    table = SlotTable(1)
    asked(table, "a", (5, 1))
    table.place("a", SYSTEM)
    assert table.place("a", SYSTEM).keep == 0


def test_requests_of_no_call_share_what_nobody_owns() -> None:
    table = SlotTable(2)
    asked(table, "", (5, 1))
    assert asked(table, "", (6, 1)).keep == 400
    mine = asked(table, "a", (5, 1))
    assert asked(table, "", (7, 1)).slot != mine.slot
