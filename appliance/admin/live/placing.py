"""Ordering a new call: somebody is rung, and connected with somebody else."""

from uuid import uuid4

from appliance.admin.live.orders import (
    directory_of,
    give,
    my_extensions,
    named_target,
    outside_number,
    permitted,
)
from appliance.admin.problems import Problem, wrong_value
from appliance.admin.visit import Visit
from appliance.calls.directory import Directory
from appliance.calls.orders import NEW_CALL, Order, OrderAnswer, Verb


async def place(visit: Visit, ring: str, to: str) -> tuple[str, OrderAnswer]:
    """Have a call made.

    Args:
        ring: whom to ring first: a person or an extension, or a number outside.
        to: whom to connect then; also a department, or one of our own numbers, where the
            appliance answers. Empty is the first of those.

    Returns:
        The id of the first leg, and what came of the order.

    Raises:
        Problem: 403, 409 or 422; nothing rings then.
        StorageError: the database is out of reach.
    """
    directory = await directory_of(visit)
    rung, asked = _number(directory, ring, "body.ring"), _other_end(directory, to)
    own, group = _own(directory), directory.target(asked)
    if rung in (asked, *own) or (group is not None and set(group.extensions) == {rung}):
        raise wrong_value("body.ring", "Name somebody else than the other end of the call.")
    inside = [number for number in (rung, asked) if number in directory.extensions]
    outside = {rung, asked} - own - directory.extensions - ({group.id} if group else set())
    if len(outside) == 2:
        raise Problem(403, "not-permitted", "One of the two has to be ours.")
    extension = next(iter(inside or my_extensions(visit, directory)), "")
    for number in outside:
        permitted(directory, number, extension)
    order = Order(
        order_id=str(uuid4()), call_id=NEW_CALL, organisation_id=str(visit.who.organisation_id),
        verb=Verb.CALL, given_by=visit.who.name[:200], ring=rung, to=asked, extension=extension,
    )  # fmt: skip
    return order.order_id, await give(visit, order)


def _own(directory: Directory) -> frozenset[str]:
    return frozenset(did.number for did in directory.dids)


def _other_end(directory: Directory, text: str) -> str:
    own = {did.number.lstrip("+"): did.number for did in directory.dids}
    if not text:
        if not own:
            raise wrong_value("body.connect", "No number leads to the appliance; add one.")
        return directory.dids[0].number
    known = own.get(outside_number(text).lstrip("+"))
    target = named_target(directory, text)
    if known is None and target is not None and len(target.extensions) > 1:
        return target.id
    return known or _number(directory, text, "body.connect")


def _number(directory: Directory, text: str, field: str) -> str:
    if text in directory.extensions:
        return text
    target = named_target(directory, text)
    if target is not None and len(target.extensions) == 1:
        return target.extensions[0]
    number = outside_number(text)
    if target is not None or not number:
        raise wrong_value(
            field, "Name a person or an extension of the directory, or a number outside."
        )
    return number
