"""Giving an order to a call in progress, and waiting for what comes of it."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from appliance.admin.live.feeds import FEEDS
from appliance.admin.problems import Problem, not_found, wrong_value
from appliance.admin.roles import Permission
from appliance.admin.visit import Visit
from appliance.calls.directory import Directory, Target
from appliance.calls.orders import Order, OrderAnswer, Verb
from appliance.storage.call_models import Call, Transfer
from appliance.storage.directory_store import load_directory
from appliance.storage.order_store import give_order, order_state, withdraw_order

_VALID = timedelta(seconds=5)
_PATIENCE_S = 4.0
_LOOK_EVERY_S = 1.0
_OVER = Problem(409, "call-over", "This call is over.")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants done; ``to`` is a person, a department or an extension, by any name."""

    verb: Verb
    text: str = ""
    to: str = ""


async def order(visit: Visit, call_id: str, wanted: Wanted, field: str) -> OrderAnswer:
    """Have it done.

    Args:
        field: the name of the value that may be wrong, for problem details.

    Raises:
        Problem: 404, 403, 409 or 422; nothing was done then.
        StorageError: the database is out of reach.
    """
    organisation_id = visit.who.organisation_id
    call = await found(visit, call_id)
    if call.over:
        raise _OVER
    directory = await directory_of(visit)
    if not visit.who.may(Permission.LIVE_ACT) and not call.rings_at(
        my_extensions(visit, directory)
    ):
        raise Problem(
            403, "forbidden", "You may do this in calls that ring at your own telephone, no others."
        )
    to = _target_of(directory, wanted.to, field).id if wanted.verb is Verb.TRANSFER else ""
    given = Order(
        order_id=str(uuid4()), call_id=call_id, organisation_id=str(organisation_id),
        verb=wanted.verb, given_by=visit.who.name[:200], text=wanted.text, to=to,
    )  # fmt: skip
    return await _give(visit, given)


async def found(visit: Visit, call_id: str) -> "Found":
    """The call.

    Raises:
        Problem: the organisation has no such call.
    """
    organisation_id = visit.who.organisation_id
    call = await visit.database(lambda db: _look(db, organisation_id, call_id))
    if call is None:
        raise not_found("call")
    return call


async def directory_of(visit: Visit) -> Directory:
    """The directory of the organisation of who asks."""
    threads, organisation_id = visit.services.threads, str(visit.who.organisation_id)
    directory = await visit.run(lambda: load_directory(threads.database, organisation_id))
    if directory is None:
        raise not_found("organisation")
    return directory


def my_extensions(visit: Visit, directory: Directory) -> tuple[str, ...]:
    """The telephone of who asks; none for who is no person of the directory."""
    person = directory.target(str(visit.who.person_id)) if visit.who.person_id else None
    return person.extensions if person is not None else ()


def _target_of(directory: Directory, text: str, field: str) -> Target:
    wanted = text.strip()
    target = directory.target(wanted) or directory.by_extension(wanted)
    if target is None:
        named = [t for t in directory.targets() if t.name.casefold() == wanted.casefold()]
        target = named[0] if len(named) == 1 else None
    if target is None or not target.extensions:
        raise wrong_value(
            field, "Name a person or a department of the directory, or one of its extensions."
        )
    return target


async def _give(visit: Visit, given: Order) -> OrderAnswer:
    feeds = visit.request.config_dict[FEEDS]
    feeds.listen()
    changed = feeds.answers.expect(given.order_id)
    after: dict[str, Any] = {"order": given.order_id, "verb": given.verb.value}
    after |= {name: value for name, value in (("text", given.text), ("to", given.to)) if value}

    def write(db: Session) -> None:
        give_order(db, given, visit.now, visit.now + _VALID)
        visit.trace.write(db, visit.now, after=after)

    try:
        await visit.database(write)
        answer = await _answer(visit, UUID(given.order_id), changed)
    finally:
        feeds.answers.forget(given.order_id)
    if not answer.done:
        raise Problem(409, "refused", answer.words)
    return answer


async def _answer(visit: Visit, order_id: UUID, changed: asyncio.Event) -> OrderAnswer:
    organisation_id = visit.who.organisation_id
    until_s = visit.services.clock_s() + _PATIENCE_S
    while True:
        changed.clear()
        stands = await visit.database(lambda db: order_state(db, organisation_id, order_id))
        if stands is not None and stands.state in ("done", "refused"):
            return OrderAnswer(stands.state == "done", stands.words)
        left_s = until_s - visit.services.clock_s()
        if left_s <= 0:
            break
        try:
            async with asyncio.timeout(min(left_s, _LOOK_EVERY_S)):
                await changed.wait()
        except TimeoutError:
            continue
    if await visit.database(lambda db: withdraw_order(db, organisation_id, order_id)):
        return OrderAnswer(
            False, "No controller holds this call at the moment; nothing was done. Try again."
        )
    return OrderAnswer(True, "It is being done; the call's timeline will tell what came of it.")


@dataclass(frozen=True, slots=True)
class Found:
    """Where a call stands; ``ringing`` are the extensions that ring for it."""

    over: bool
    ringing: tuple[str, ...]

    def rings_at(self, extensions: tuple[str, ...]) -> bool:
        """Whether it rings at one of these."""
        return any(number in self.ringing for number in extensions)


def _look(db: Session, organisation_id: UUID, call_id: str) -> Found | None:
    call = db.get(Call, (organisation_id, call_id))
    if call is None:
        return None
    transfers = db.query(Transfer.extensions).where(
        Transfer.organisation_id == organisation_id, Transfer.call_id == call_id,
        Transfer.result.is_(None),
    )  # fmt: skip
    ringing = tuple(number for (numbers,) in transfers for number in numbers or ())
    return Found(call.ended_at is not None, ringing)
