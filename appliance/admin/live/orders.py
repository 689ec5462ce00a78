"""Giving an order, and waiting for what comes of it."""

import asyncio
import re
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
from appliance.calls.outside import OUTSIDE_NUMBER, NotPermittedError, outside_line
from appliance.storage.call_models import Call, Transfer
from appliance.storage.directory_store import load_directory
from appliance.storage.order_store import give_order, order_state, withdraw_order

_VALID = timedelta(seconds=5)
_PATIENCE_S = 4.0
# For what a controller has in hand: it answers, or is known to be gone, sooner than this, save when
# what it does takes long.
_TAKEN_PATIENCE_S = 8.0
_LOOK_EVERY_S = 1.0
_WRITTEN = re.compile(r"\(0\)|[\s().\-/]")
_OVER = Problem(409, "call-over", "This call is over.")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants done.

    ``to`` is a person, a department or an extension, by any name, or a number outside.
    """

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
    to, extension = "", ""
    if wanted.verb is Verb.TRANSFER:
        to, extension = _destination(visit, directory, wanted.to.strip(), field)
    given = Order(
        order_id=str(uuid4()), call_id=call_id, organisation_id=str(organisation_id),
        verb=wanted.verb, given_by=visit.who.name[:200], text=wanted.text, to=to,
        extension=extension,
    )  # fmt: skip
    return await give(visit, given)


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


def _destination(visit: Visit, directory: Directory, text: str, field: str) -> tuple[str, str]:
    """Where a caller is to be sent, and whose permission to call out is used.

    Raises:
        Problem: 422, there is no such place; 403, the number outside may not be dialled.
    """
    target = named_target(directory, text)
    if target is not None and target.extensions:
        return target.id, ""
    number = outside_number(text)
    if target is not None or not number:
        raise wrong_value(
            field,
            "Name a person or a department of the directory, one of its extensions, or a number "
            "outside.",
        )
    extension = next(iter(my_extensions(visit, directory)), "")
    permitted(directory, number, extension)
    return number, extension


def outside_number(text: str) -> str:
    """A number outside as it is dialled, however people write it; empty when it is none."""
    number = _WRITTEN.sub("", text)
    return number if OUTSIDE_NUMBER.fullmatch(number) else ""


def permitted(directory: Directory, number: str, extension: str) -> None:
    """See that a number outside may be dialled.

    Raises:
        Problem: 403; it may not.
    """
    try:
        outside_line(directory, number, extension)
    except NotPermittedError as error:
        raise Problem(403, "not-permitted", str(error)) from None


def named_target(directory: Directory, text: str) -> Target | None:
    """Whom somebody means by an id, an extension or a name; None when nobody, or several."""
    target = directory.target(text) or directory.by_extension(text)
    if target is None:
        named = [t for t in directory.targets() if t.name.casefold() == text.casefold()]
        target = named[0] if len(named) == 1 else None
    return target


async def give(visit: Visit, given: Order) -> OrderAnswer:
    """Write an order down, and wait for what comes of it.

    Raises:
        Problem: 409; it was refused, or nobody took it.
        StorageError: the database is out of reach.
    """
    feeds = visit.request.config_dict[FEEDS]
    feeds.listen()
    changed = feeds.answers.expect(given.order_id)
    after: dict[str, Any] = {"order": given.order_id, "verb": given.verb.value}
    parts = {"text": given.text, "ring": given.ring, "to": given.to, "extension": given.extension}
    after |= {name: value for name, value in parts.items() if value}

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
    given_at_s = visit.services.clock_s()
    while True:
        changed.clear()
        stands = await visit.database(lambda db: order_state(db, organisation_id, order_id))
        if stands is not None and stands.state in ("done", "refused"):
            return OrderAnswer(stands.state == "done", stands.words)
        taken = stands is not None and stands.state == "taken"
        patience_s = _TAKEN_PATIENCE_S if taken else _PATIENCE_S
        left_s = given_at_s + patience_s - visit.services.clock_s()
        if left_s <= 0:
            break
        try:
            async with asyncio.timeout(min(left_s, _LOOK_EVERY_S)):
                await changed.wait()
        except TimeoutError:
            continue
    if await visit.database(lambda db: withdraw_order(db, organisation_id, order_id)):
        return OrderAnswer(
            False, "No controller took this at the moment; nothing was done. Try again."
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
