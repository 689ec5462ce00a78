"""The headers of the model server that are not OpenAI's, and the codes of its refusals.

Requests may carry:

``X-Deadline-Ms``   how long the client waits; past it nothing is computed any more
``X-Call-Id``       the call that the request is made for, at most 128 characters of
                    ``A-Za-z0-9_.:@-``; calls are counted, served in turn, and keep their engine
``X-Speculative``   ``1``: the result may turn out not to be needed, so everybody else goes first
``X-Correlation-Id`` names the request in the log, at most 64 characters of ``A-Za-z0-9._-``;
                    made up when there is none

Every reply tells ``X-Active-Calls`` and ``X-Call-Capacity``, of which ``GET /v1/capacity`` tells
more, and the request's ``X-Correlation-Id``.
"""

DEADLINE_HEADER = "X-Deadline-Ms"
CALL_HEADER = "X-Call-Id"
SPECULATIVE_HEADER = "X-Speculative"
ACTIVE_HEADER = "X-Active-Calls"
CAPACITY_HEADER = "X-Call-Capacity"
CORRELATION_HEADER = "X-Correlation-Id"

AT_CAPACITY = "at_capacity"
"""With 429: as many calls as this server sustains are in progress, and this is a new one."""
QUEUE_FULL = "queue_full"
"""With 503: too many requests wait for this engine."""
NOT_READY = "engine_not_ready"
"""With 503: the engine loads, has failed, or is stalled, and nobody stands in for it."""
MODEL_REFUSED = "model_refused"
"""With 422: the model did not load or did not pass its trial; what was in use stays in use."""
SWAP_IN_PROGRESS = "swap_in_progress"
"""With 409: another model of this kind is being loaded, or too many old ones still have calls."""
