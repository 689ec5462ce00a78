"""Calling a caller back: my own telephone rings, and then theirs."""

from appliance.admin.api.calls import CallParams, record_of
from appliance.admin.live.orders import directory_of, my_extensions
from appliance.admin.live.placing import place
from appliance.admin.problems import Problem
from appliance.admin.roles import Permission
from appliance.admin.routing import Answer, may, page
from appliance.admin.visit import Visit


async def call_back(visit: Visit) -> Answer:
    """Have it done, and say on the call's page what came of it."""
    call_id = visit.params.call_id
    record = await record_of(visit)
    mine = my_extensions(visit, await directory_of(visit))
    number = (record.call.caller_number or "").strip()
    if not number:
        visit.flash("This caller showed no number.", "error")
        return visit.redirect("call", call_id=call_id)
    if not mine:
        visit.flash("Your account belongs to no person with an extension, so none rings.", "error")
        return visit.redirect("call", call_id=call_id)
    try:
        _, answered = await place(visit, mine[0], number)
    except Problem as problem:
        words = problem.errors[0].message if problem.errors else problem.detail
        visit.flash(f"You cannot call back. {words}", "error")
    else:
        visit.flash(answered.words)
    return visit.redirect("call", call_id=call_id)


ROUTES = (
    page(
        "POST", "/calls/{call_id}/call-back", "call_back", call_back, may(Permission.ORIGINATE),
        params=CallParams, audit="call.called_back", object_kind="call",
    ),
)  # fmt: skip
