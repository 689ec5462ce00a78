"""Logs of the long-running processes: one JSON object a line on standard error.

Every line that is said inside a call has its ``call_id``, whichever greenlet says it, and every
line said inside an HTTP request, or an engine's work for one, the ``correlation_id`` of the
answer. Words of callers and secrets are not logged: what happens in a call is told by
:mod:`appliance.events.telling`, which leaves them out, and tracebacks come without the values of
variables.
"""

import logging
import sys
import threading
from types import TracebackType
from typing import Any

import gevent
import structlog
from structlog.typing import EventDict, Processor

_log = structlog.get_logger(__name__)


def configure_logs(level: str) -> None:
    """Set up everything that logs in this process; ``level`` is a name such as ``INFO``.

    Libraries are heard from ``WARNING`` on: some put what they work on into lower levels.
    """
    frames_only = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    prepare: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        _of_the_call,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.ExceptionRenderer(frames_only),
    ]
    render = structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[*prepare, render],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *prepare],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("appliance").setLevel(level)
    logging.captureWarnings(True)
    sys.excepthook = _process_failed
    threading.excepthook = _thread_failed


def log_failed_greenlets() -> None:
    """Have exceptions that end a greenlet logged like the rest; gevent prints them otherwise."""
    gevent.get_hub().print_exception = _greenlet_failed


def _of_the_call(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Name the call that the running greenlet works for; see `CallChannel.log_as`."""
    tree = getattr(gevent.getcurrent(), "spawn_tree_locals", None) or {}
    if "call_id" in tree:
        event.setdefault("call_id", tree["call_id"])
    return event


def _process_failed(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    _log.critical("process_failed", exc_info=(kind, error, trace))


def _thread_failed(failed: threading.ExceptHookArgs) -> None:
    name = failed.thread.name if failed.thread is not None else ""
    found = (failed.exc_type, failed.exc_value, failed.exc_traceback)
    _log.error("thread_failed", thread=name, exc_info=found)


def _greenlet_failed(
    context: object, kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    # The context's own text would show what the greenlet was given to work on.
    name = getattr(context, "name", type(context).__name__)
    _log.error("greenlet_failed", greenlet=name, exc_info=(kind, error, trace))
