"""Who waits for the answer to an order that was given to a call."""

import asyncio


class Answers:
    """Wakes whoever waits, when the database says that an order has changed."""

    def __init__(self) -> None:
        self._waiting: dict[str, asyncio.Event] = {}

    def expect(self, order_id: str) -> asyncio.Event:
        """Set whenever the order changes. `forget` it in the end."""
        return self._waiting.setdefault(order_id, asyncio.Event())

    def forget(self, order_id: str) -> None:
        """Nobody waits any more."""
        self._waiting.pop(order_id, None)

    def told(self, order_id: str) -> None:
        """The order has changed."""
        event = self._waiting.get(order_id)
        if event is not None:
            event.set()
