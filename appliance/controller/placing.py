"""Making calls that were ordered: somebody is rung, and connected with somebody else.

A call is placed once. Whatever becomes of the command, it is not sent again: when the answer was
lost, a phone may ring all the same.
"""

from collections.abc import Callable

import gevent
import structlog

from appliance.calls.directory import Directory
from appliance.calls.errors import ApplianceError
from appliance.calls.orders import Order, OrderAnswer
from appliance.calls.outside import NotPermittedError, OutsideLine, outside_line
from appliance.switch import originating
from appliance.switch.control_link import ControlLink

log = structlog.get_logger(__name__)

CALLER_VARIABLE = "appliance_caller"
"""On a leg that we placed: the number of who is rung, who is the caller of the conversation."""

# Phones that cannot be reached say so at once; whoever ordered is told of the others that they
# ring.
_TOLD_AT_ONCE_S = 1.5


class Placing:
    """Carries out orders for new calls; each in a greenlet of its own.

    Args:
        directory_of: an organisation's current directory.
        domain: what phones register in.
    """

    def __init__(
        self, link: ControlLink, directory_of: Callable[[str], Directory | None], domain: str
    ) -> None:
        self._link, self._directory_of, self._domain = link, directory_of, domain

    def place(self, order: Order) -> OrderAnswer:
        """Look at the order once more, and ring.

        Returns:
            Done when somebody rings or has answered.
        """
        directory = self._directory_of(order.organisation_id)
        if directory is None:
            return OrderAnswer(False, "There is no such organisation any more.")
        if not self._link.connected:
            return OrderAnswer(False, "The control link to FreeSWITCH is down; nothing was done.")
        try:
            request = self._request(order, directory)
        except NotPermittedError as error:
            return OrderAnswer(False, str(error))
        job = gevent.spawn(self._rung, request)
        job.name = f"place-{order.order_id}"
        job.join(_TOLD_AT_ONCE_S)
        return job.get() if job.ready() else OrderAnswer(True, f"{order.ring} rings.")

    def _rung(self, request: originating.CallRequest) -> OrderAnswer:
        try:
            result = originating.place_call(self._link, request)
        except ApplianceError as error:
            log.warning("call_not_placed", call_id=request.leg_id, error=str(error))
            return OrderAnswer(
                False, f"FreeSWITCH did not confirm it: {error}. Look whether it rings before you "
                "order it again."
            )  # fmt: skip
        log.info("call_placed", call_id=request.leg_id, cause=result.cause)
        if result.cause is not None:
            return OrderAnswer(False, f"{request.ring} cannot be reached: {result.cause.value}.")
        return OrderAnswer(True, f"{request.ring} has answered.")

    def _request(self, order: Order, directory: Directory) -> originating.CallRequest:
        """The order as a command.

        Raises:
            NotPermittedError: it may not be done.
        """
        ring = self._outside(order.ring, order, directory)
        own = any(did.number == order.to for did in directory.dids)
        target = directory.target(order.to)
        group = tuple(n for n in target.extensions if n != order.ring) if target else ()
        if target and not group:
            raise NotPermittedError(f"Nobody else is in {target.name}.")
        to = None if own or group else self._outside(order.to, order, directory)
        if ring is not None and to is not None:
            raise NotPermittedError("One of the two has to be ours.")
        away = ring or to
        return originating.CallRequest(
            leg_id=order.order_id, ring=order.ring, to=order.to, domain=self._domain, group=group,
            ring_trunk=ring.trunk if ring else "", to_trunk=to.trunk if to else "",
            shown=ring.shown if ring else (*group, order.to)[0],
            shown_to=to.shown if to else order.ring,
            limit=order.extension if away else "",
            variables={CALLER_VARIABLE: order.ring} if own else {},
        )  # fmt: skip

    @staticmethod
    def _outside(number: str, order: Order, directory: Directory) -> OutsideLine | None:
        """The way to a number outside; None for an extension of the directory."""
        if number in directory.extensions:
            return None
        return outside_line(directory, number, order.extension)
