"""Who may dial what outside, over which trunk: nobody and nothing, unless a rule says so."""

import pytest

from appliance.calls.directory import Did, Directory, Person, Trunk
from appliance.calls.outside import NotPermittedError, outside_line

HOUSE = Directory(
    "00000000-0000-0000-0000-000000000001", "House",
    people=(Person("anna", "Anna", "211"), Person("bob", "Bob", "212")),
    dids=(Did("+4930123450"),),
    trunks=(Trunk("inland", ("+49", "0")), Trunk("world", ("+",))),
    may_call_out=("211",),
)  # fmt: skip


@pytest.mark.parametrize(
    ("number", "trunk"), [("+4930999888", "inland"), ("030999888", "inland"), ("+3312345", "world")]
)
def test_a_number_goes_over_the_first_trunk_that_may_dial_it(number: str, trunk: str) -> None:
    line = outside_line(HOUSE, number, "211")
    assert (line.trunk, line.shown, line.extensions) == (trunk, "+4930123450", (number,))


@pytest.mark.parametrize(
    ("number", "extension", "words"),
    [
        ("+4930999888", "212", "may not call out"),
        ("+4930999888", "", "accountable"),
        ("+4930999888", "299", "may not call out"),
        ("1900555555", "211", "No trunk"),
        ("112", "211", "5 to 17 digits"),
        ("0112", "211", "5 to 17 digits"),
        ("+49" + "1" * 16, "211", "5 to 17 digits"),
        ("+49", "211", "5 to 17 digits"),
        ("+4930 999888", "211", "5 to 17 digits"),
        ("+4930999888\n", "211", "5 to 17 digits"),
        ("+4930999888@evil", "211", "5 to 17 digits"),
        ("\u0660\u0661\u0662\u0663\u0664\u0665", "211", "5 to 17 digits"),
    ],
)
def test_everything_else_is_refused(number: str, extension: str, words: str) -> None:
    with pytest.raises(NotPermittedError, match=words):
        outside_line(HOUSE, number, extension)


def test_without_trunks_nothing_goes_out() -> None:
    bare = Directory("x", "Bare", may_call_out=("211",))
    with pytest.raises(NotPermittedError, match="No trunk"):
        outside_line(bare, "+4930999888", "211")
