"""A whole lab: the appliance on loopback, a switch with phones, and scenarios to play on it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass

from gevent import get_hub

from appliance.calls.directory import Directory
from appliance.calls.errors import ConfigurationError, InferenceError
from appliance.inference.client import InferenceClient
from appliance.lab.backend import Backend, BenchBackend
from appliance.lab.faults import faults_of
from appliance.lab.freeswitch.backend import freeswitch_lab
from appliance.lab.records import DatabaseRecords
from appliance.lab.results import Line
from appliance.lab.runner import Runner
from appliance.lab.stack import Stack
from appliance.lab.switch.bench import BenchConfig, BenchSwitch
from appliance.lab.switch.dialplan import BenchDialplan
from appliance.speech.recognizer import HttpRecognizer, Recognizer, Transcript
from appliance.storage.database import Database
from appliance.storage.directory_store import load_directory

SWITCHES = ("bench", "freeswitch")


@dataclass(frozen=True, slots=True)
class Lab:
    """A running appliance with a switch, and what plays scenarios on it.

    Attributes:
        directory: of the organisation that callers reach.
        database: the appliance's, as its own role sees it.
    """

    stack: Stack
    backend: Backend
    runner: Runner
    directory: Directory
    database: Database


@contextmanager
def lab(
    stack: Stack, switch: str, *, say: Callable[[Line], None], started: Callable[[], None]
) -> Iterator[Lab]:
    """Everything up, for as long as the context lasts.

    Args:
        switch: ``bench`` or ``freeswitch``.
        say: told each line of each story as it happens.
        started: called when everything is up.

    Raises:
        ConfigurationError: when a part is missing or does not start; it says which.
    """
    with ExitStack() as undo:
        undo.enter_context(stack)
        database = Database(stack.database_url)
        undo.callback(database.close)
        directory = load_directory(database, stack.organisation_id)
        if directory is None:
            raise ConfigurationError("the lab's organisation is not in the database")
        backend = undo.enter_context(_backend(switch, stack, directory))
        ears = undo.enter_context(closing(InferenceClient(stack.inference_url)))
        started()
        runner = Runner(
            backend, records=DatabaseRecords(database, directory),
            recognizer=_BesideThePhones(HttpRecognizer(ears)), faults=faults_of(stack), tell=say,
        )  # fmt: skip
        yield Lab(stack, backend, runner, directory, database)


class _BesideThePhones:
    """A recogniser asked in a real thread, so that the audio of other calls goes on meanwhile."""

    def __init__(self, recognizer: Recognizer) -> None:
        self._recognizer = recognizer

    def transcribe(self, pcm: bytes, rate_hz: int, *, timeout_s: float = 5.0) -> Transcript:
        """See `appliance.lab.transcripts.Recognizer`."""

        def ask() -> Transcript | InferenceError:
            try:
                return self._recognizer.transcribe(pcm, rate_hz, timeout_s=timeout_s)
            except InferenceError as error:  # the thread pool would print it
                return error

        heard: Transcript | InferenceError = get_hub().threadpool.apply(ask)
        if isinstance(heard, InferenceError):
            raise heard
        return heard


@contextmanager
def _backend(switch: str, stack: Stack, directory: Directory) -> Iterator[Backend]:
    if switch == "freeswitch":
        with freeswitch_lab(
            directory, stack.work, controllers=stack.socket_hosts, password=stack.password,
            event_socket_port=stack.switch_port,
        ) as backend:  # fmt: skip
            yield backend
        return
    if switch != "bench":
        raise ConfigurationError(f"no switch {switch!r}: choose one of {', '.join(SWITCHES)}")
    bench = BenchSwitch(
        BenchConfig(
            port=stack.switch_port, password=stack.password,
            dialplan=BenchDialplan(
                controllers=tuple(stack.socket_hosts.split("|")), hunt_group=("200",),
                extensions=directory.extensions,
                voicemail_directory=stack.work / "voicemail",
            ),
        )
    )  # fmt: skip
    bench.start()
    try:
        yield BenchBackend(bench)
    finally:
        bench.stop()
