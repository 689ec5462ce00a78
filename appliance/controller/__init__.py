"""One call from answer to hang-up, and the process that holds many of them.

In the order of a call: :mod:`~.supervisor` accepts the session, :mod:`~.model_servers` tells the
engines of it, :mod:`~.call_session` opens the line and runs the conversation, :mod:`~.listening`
turns frames into turns, :mod:`~.holding` bridges a slow answer, :mod:`~.speaking` says the replies,
:mod:`~.engine_account` records which engines did all that. :mod:`~.reaper` ends the records of
calls whose controller died.
"""
