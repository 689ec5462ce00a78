"""Carrying out in a call what somebody at the operators' page has ordered.

Everything is looked at once more here, where the call is: what an order says was true when it was
given, and the call has gone on since.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

import structlog

from appliance.actions.call import Call
from appliance.actions.desks import ACCEPT, DECLINE
from appliance.calls.directory import Target
from appliance.calls.errors import SwitchError, SwitchGoneError, SwitchTimeoutError
from appliance.calls.events import OrderAnswered, Outcome
from appliance.calls.orders import Order, OrderAnswer, Verb
from appliance.calls.outside import NotPermittedError, OutsideLine, outside_line
from appliance.controller.inputs import OrderGiven
from appliance.controller.speaking import SpeechOutput
from appliance.controller.steps import StepRunner
from appliance.dialogue.conversation import Conversation
from appliance.dialogue.steps import Step
from appliance.switch import commands

_LONGEST_LINE = 500
_LOOK_FIRST = "Look at the call before you order it again."


class OrderRunner:
    """Orders of one call, in the greenlet of its session.

    Args:
        follow: carries out steps of the conversation.
    """

    def __init__(
        self, call: Call, steps: StepRunner, output: SpeechOutput, conversation: Conversation,
        follow: Callable[[Sequence[Step]], None],
    ) -> None:  # fmt: skip
        self._call = call
        self._steps = steps
        self._output = output
        self._conversation = conversation
        self._follow = follow

    def carry_out(self, given: OrderGiven, now: datetime) -> None:
        """Do it, or refuse it with words; either is an event of the call."""
        order = given.order
        mine = (self._call.call_id, self._call.log.organisation_id)
        if (order.call_id, order.organisation_id) != mine:
            # Not even a trace of it belongs into this call.
            given.answer(OrderAnswer(False, "This is another call."))
            return
        answer = OrderAnswer(False, f"It went wrong, as the log tells. {_LOOK_FIRST}")
        try:
            answer = self._done(order, now)
        except (SwitchGoneError, SwitchTimeoutError) as error:
            answer = OrderAnswer(False, f"FreeSWITCH did not confirm it: {error}. {_LOOK_FIRST}")
        except SwitchError as error:
            answer = OrderAnswer(False, f"FreeSWITCH did not do it: {error}.")
        finally:
            self._record(order, answer)
            given.answer(answer)

    def refuse(self, given: OrderGiven, words: str) -> None:
        """It is too late."""
        given.answer(OrderAnswer(False, words))

    def _done(self, order: Order, now: datetime) -> OrderAnswer:
        match order.verb:
            case Verb.SAY:
                return self._say(order.text)
            case Verb.HANG_UP:
                return self._hang_up(order.given_by)
            case Verb.TRANSFER:
                return self._transfer(order, now)
            case Verb.ACCEPT:
                return self._decide(ACCEPT, "Accepted: whoever picks up has the caller at once.")
            case Verb.DECLINE:
                return self._decide(DECLINE, "Declined; the appliance goes on with the caller.")
            case Verb.VOICEMAIL:
                return self._take_message()
            case Verb.CALL:
                return OrderAnswer(False, "This is a call already.")

    def _say(self, text: str) -> OrderAnswer:
        line = " ".join(text.split())[:_LONGEST_LINE]
        if not line:
            return OrderAnswer(False, "There is nothing to say in it.")
        if self._steps.connected:
            return OrderAnswer(
                False, f"The caller is with {self._steps.with_whom}; the appliance is out of it."
            )
        self._follow(self._conversation.told(line))
        return OrderAnswer(True, f'Said: "{line}"')

    def _hang_up(self, by: str) -> OrderAnswer:
        if not commands.kill(self._call.switch, self._call.call_id):
            return OrderAnswer(False, "The call is over already.")
        self._output.stop()
        if self._steps.connected:
            how = f"connected to {self._steps.with_whom}, until {by} hung up from the page"
            self._steps.end_as(Outcome.CONNECTED, how)
        else:
            self._steps.end_as(Outcome.ENDED_BY_ORDER, f"{by} hung up from the page")
        return OrderAnswer(True, "Hung up.")

    def _transfer(self, order: Order, now: datetime) -> OrderAnswer:
        try:
            target = self._destination(order)
        except NotPermittedError as error:
            return OrderAnswer(False, str(error))
        if target is None or not target.extensions:
            return OrderAnswer(False, "There is no such person or department in this call's book.")
        if self._steps.connected:
            return OrderAnswer(False, f"The caller is with {self._steps.with_whom} already.")
        if isinstance(target, OutsideLine):
            self._steps.outside = target
        if not self._steps.busy_connecting:
            self._follow(self._conversation.sent_to(target, now))
            return OrderAnswer(True, f"Ringing {target.name}.")
        rung = self._steps.with_whom
        if not self._steps.call_off(partial(self._conversation.sent_to, target)):
            return OrderAnswer(False, f"{rung} is being connected just now.")
        return OrderAnswer(True, f"{rung} rings no more; ringing {target.name}.")

    def _destination(self, order: Order) -> Target | OutsideLine | None:
        """Whom the order means.

        Raises:
            NotPermittedError: a number outside that may not be dialled.
        """
        directory = self._call.directory
        target = directory.target(order.to) or directory.by_extension(order.to)
        if target is None and order.extension:
            return outside_line(directory, order.to, order.extension)
        return target

    def _decide(self, key: str, words: str) -> OrderAnswer:
        if not self._call.desks.decide(self._call.call_id, key):
            return OrderAnswer(False, "No desk rings for this call, or it has decided already.")
        return OrderAnswer(True, words)

    def _take_message(self) -> OrderAnswer:
        target = self._steps.ringing
        late = OrderAnswer(False, "No desk rings for this call, or it has decided already.")
        if target is None or isinstance(target, OutsideLine):
            return late
        if not self._steps.call_off(lambda _: self._conversation.message_for(target), DECLINE):
            return late
        return OrderAnswer(True, f"Declined; the appliance takes a message for {target.name}.")

    def _record(self, order: Order, answer: OrderAnswer) -> None:
        structlog.get_logger().info(
            "order", call_id=order.call_id, verb=order.verb.value, done=answer.done
        )
        self._call.log.record(
            OrderAnswered, order_id=order.order_id, verb=order.verb.value,
            given_by=order.given_by, done=answer.done, words=answer.words,
        )  # fmt: skip
