"""A persona that is changed in the set-up answers the next call, without a restart."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from appliance.admin.audit import Trace
from appliance.admin.setup import changes
from appliance.admin.setup.kinds import Part, Work
from appliance.admin.setup.kinds.numbers import NUMBERS
from appliance.admin.setup.kinds.personas import PERSONAS
from tests.integration.controller.conftest import House, until

pytestmark = pytest.mark.postgres


def set_up(house: House, greeting: str, voice: str, *, new: bool) -> None:
    """As the pages do it: a persona for the number, or another greeting for the one there is."""
    organisation = UUID(house.organisation)
    trace = Trace(
        organisation_id=organisation, actor_id=None, actor="test", via="cli", address="",
        correlation_id="",
    )  # fmt: skip
    with house.database.session(organisation) as db:
        work = Work(
            db=db, organisation_id=organisation, domain="", trace=trace, now=datetime.now(UTC)
        )
        texts = {"greeting": greeting, "voice": voice}
        if not new:
            (row,) = PERSONAS.page(work, Part())
            wanted = PERSONAS.body.model_validate({**row.state, **texts})
            changes.change(work, PERSONAS, row.key, wanted)
            return
        row = changes.add(work, PERSONAS, PERSONAS.body.model_validate({"name": "Line", **texts}))
        number = {"number": house.did, "persona": row.key}
        changes.change(work, NUMBERS, house.did, NUMBERS.body.model_validate(number))


def greeted(house: House) -> list[tuple[str, str]]:
    """The voice and the words of a call's greeting."""
    house.voice.said.clear()
    call_id, phone = house.call()
    until(lambda: bool(house.voice.said), "the greeting is spoken")
    phone.hang_up()
    house.record(call_id)
    return house.voice.said[:1]


@pytest.mark.parametrize("new", [False, True])
def test_a_change_is_heard_in_the_next_call(house: House, new: bool) -> None:
    assert greeted(house) == [("", "Good day. How can I help you?")]
    set_up(house, "Good evening.", "en-gb+f2", new=new)
    until(lambda: greeted(house)[0][1].startswith("Good evening."), "the greeting is new")
    assert house.voice.said[0] == ("en-gb+f2", "Good evening. How can I help you?")
