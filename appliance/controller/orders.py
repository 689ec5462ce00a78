"""From the orders in the database to the calls that this controller holds, and back.

Orders go through the database because all that matters about them is there anyway: who may see the
call, who gave the order, that it is taken once and what came of it. They reach a controller at
once by ``NOTIFY``; one that was missed, as when a call has just been taken over, is found within
two seconds. An order for a new call is taken by whichever controller is first.
"""

import queue
import threading
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
from appliance.storage.order_store import CHANNEL, answer_order, take_orders

log = structlog.get_logger(__name__)

_AGAIN_S = 5.0
_JOIN_S = 3.0


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
        self._answers: queue.Queue[tuple[Order, OrderAnswer] | None] = queue.Queue()
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
        """Take no more, and write down what has been answered."""
        self._listening.stop()
        self._arrived.stop()
        self._arrived.close()
        self._answers.put(None)
        self._answering.join(_JOIN_S)

    def _told(self, channel: str, call_id: str) -> None:
        """On the listening thread: an order was given, or it is time to look."""
        if channel and call_id != NEW_CALL and call_id not in self._calls:
            return
        held = self._calls.of_organisations()
        everywhere = not channel or call_id == NEW_CALL
        try:
            for organisation_id in self._organisations() if everywhere else held:
                call_ids = [NEW_CALL, *held.get(organisation_id, ())]
                self._taken += take_orders(self._database, organisation_id, call_ids, self._now())
        except StorageError as error:
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
                answer(OrderAnswer(False, "The call has just left this controller."))

    def _make_call(self, order: Order) -> None:
        self._answer(order, self._place(order))

    def _answer(self, order: Order, answer: OrderAnswer) -> None:
        self._answers.put((order, answer))

    def _write_answers(self) -> None:
        for order, answer in iter(self._answers.get, None):
            try:
                answer_order(self._database, order, answer)
            except StorageError as error:
                # Who gave it is told that it goes on; the call's events say what came of it.
                log.warning(
                    "order_not_answered", call_id=order.call_id, order=order.order_id,
                    error=str(error),
                )  # fmt: skip
