"""Calls as they go on: one reader of the database per organisation, and many who watch.

An event on its way to a page: committed by the shipper, told of by ``NOTIFY``, read once by the
organisation's :mod:`~.feed` (:mod:`~.reading`), shortened to what pages show (:mod:`~.happenings`),
taken into the account of its call (:mod:`~.calls`), packed once and sent to everybody who watches
(:mod:`~.watching`). Programs get the events whole, as server-sent events (:mod:`~.streaming`).

Orders go the other way: :mod:`~.orders` writes them down, the controller that holds the call
carries them out (:mod:`appliance.controller.orders`), and what came of them is an event.
"""
