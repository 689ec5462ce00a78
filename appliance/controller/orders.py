"""From the orders in the database to the calls that this controller holds, and back.

Orders go through the database because all that matters about them is there anyway: who may see the
call, who gave the order, that it is taken once and what came of it. They reach a controller at
once by ``NOTIFY``; one that was missed, as when a call has just been taken over, is found within
two seconds. An order for a new call is taken by whichever controller is first.

Whoever gave an order is answered, whatever happens: what is still in hand when the controller stops
is answered then, and until it is answered an order is held in the database, so that a controller
that was killed is known to be gone by those who wait.
"""

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import partial

import gevent
import structlog

from appliance.calls.errors import StorageError
from appliance.calls.orders import NEW_CALL, Order, OrderAnswer, Verb
from appliance.controller.inputs import OrderGiven
from appliance.controller.registry import Calls
from appliance.storage.database import Database
from appliance.storage.notifications import Notifications
from appliance.storage.order_store import CHANNEL, answer_order, hold_orders, take_orders

log = structlog.get_logger(__name__)

# Well within the time that whoever ordered waits for somebody to take it.
_AGAIN_S = 2.0
_JOIN_S = 3.0
_HOLD_EVERY_S = 1.0

_LEFT = OrderAnswer(False, "The call has just left this controller.")
_STOPPED = OrderAnswer(
    False, "The controller was stopped over it. Look at the call before you order it again."
)
_WENT_WRONG = OrderAnswer(
    False, "It went wrong, as the log tells. Look at the call before you order it again."
)


class Orders:
    """Takes orders for the calls in ``calls``, from `start` to `stop`.

    The database is asked on threads, which are greenlets where gevent has patched; sessions are
    told in gevent's loop, where they live.

    Args:
        organisations: ids of those whose orders for new calls are taken.
        place: makes a call; blocks in a greenlet.
    """

    def __init__(
        self, database: Database, calls: Calls, organisations: Callable[[], Iterable[str]],
        place: Callable[[Order], OrderAnswer],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:  # fmt: skip
        self._database, self._calls, self._now = database, calls, now
        self._organisations, self._place = organisations, place
        self._taken: deque[Order] = deque()
        self._in_hand: dict[str, Order] = {}
        self._looked_at: tuple[int, int] | None = None
        # What came of an order; no answer yet when it has just been taken. None ends it all.
        self._answers: queue.Queue[tuple[Order, OrderAnswer | None] | None] = queue.Queue()
        self._arrived = gevent.get_hub().loop.async_()
        self._listening = Notifications(database, (CHANNEL,), self._told, again_s=_AGAIN_S)
        self._answering = threading.Thread(
            target=self._write_answers, name="order-answers", daemon=True
        )

    def start(self) -> None:
        """Begin to take orders."""
        # A greenlet of its own: nothing may wait in the loop itself.
        self._arrived.start(gevent.spawn, self._hand_out)
        self._answering.start()
        self._listening.start()

    def stop(self) -> None:
        """Take no more, and write the answers down, also to what was not carried out to its end."""
        self._listening.stop()
        self._arrived.stop()
        self._arrived.close()
        for order in list(self._in_hand.values()):
            self._answer(order, _STOPPED)
        self._answers.put(None)
        self._answering.join(_JOIN_S)

    def _told(self, channel: str, call_id: str) -> None:
        """On the listening thread: an order was given, or it is time to look."""
        # Only while we did not listen, or did not have the call yet, can one have been missed.
        situation = self._listening.connects, self._calls.taken_up
        if not channel and situation == self._looked_at:
            return
        if channel and call_id != NEW_CALL and call_id not in self._calls:
            return
        held = self._calls.of_organisations()
        everywhere = not channel or call_id == NEW_CALL
        try:
            for organisation_id in self._organisations() if everywhere else held:
                call_ids = [NEW_CALL, *held.get(organisation_id, ())]
                for order in take_orders(self._database, organisation_id, call_ids, self._now()):
                    self._in_hand[order.order_id] = order
                    self._answers.put((order, None))
                    self._taken.append(order)
            self._looked_at = situation
        except StorageError as error:
            self._looked_at = None
            log.info("orders_wait", error=str(error))
        if self._taken:
            self._arrived.send()

    def _hand_out(self) -> None:
        """In gevent's loop, where the sessions live."""
        while self._taken:
            order = self._taken.popleft()
            answer = partial(self._answer, order)
            if order.verb is Verb.CALL:
                gevent.spawn(self._make_call, order).name = f"order-{order.order_id}"
            elif not self._calls.post(order.call_id, OrderGiven(order, answer)):
                answer(_LEFT)

    def _make_call(self, order: Order) -> None:
        answer = _WENT_WRONG
        try:
            answer = self._place(order)
        finally:
            self._answer(order, answer)

    def _answer(self, order: Order, answer: OrderAnswer) -> None:
        """The first answer counts."""
        if self._in_hand.pop(order.order_id, None) is not None:
            self._answers.put((order, answer))

    def _write_answers(self) -> None:
        """On a thread: write answers down as they come, and meanwhile hold what has none yet."""
        hold_at = time.monotonic() + _HOLD_EVERY_S
        while True:
            left_s = max(0.0, hold_at - time.monotonic()) if self._in_hand else None
            try:
                told = self._answers.get(timeout=left_s)
            except queue.Empty:
                self._hold()
                hold_at = time.monotonic() + _HOLD_EVERY_S
                continue
            if told is None:
                return
            order, answer = told
            if answer is not None:
                self._write(order, answer)

    def _write(self, order: Order, answer: OrderAnswer) -> None:
        try:
            answer_order(self._database, order, answer)
        except StorageError as error:
            # Who gave it is told that nobody knows; the call's events say what came of it.
            log.warning(
                "order_not_answered", call_id=order.call_id, order=order.order_id,
                error=str(error),
            )  # fmt: skip

    def _hold(self) -> None:
        in_hand = list(self._in_hand.values())
        for order in in_hand:
            if order.verb is not Verb.CALL and order.call_id not in self._calls:
                self._answer(order, _LEFT)  # it came when the session read its inbox no more
        try:
            hold_orders(self._database, in_hand)
        except StorageError as error:
            log.info("orders_not_held", error=str(error))
