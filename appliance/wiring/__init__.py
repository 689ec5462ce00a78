"""The only place where adapters are chosen: settings in, running parts out."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import gevent
import structlog
from gevent.pool import Group

from appliance.actions.call import CallConfig
from appliance.calls.directory import Did, Directory
from appliance.calls.errors import ConfigurationError
from appliance.calls.events import Event
from appliance.controller.assembly import Equipment
from appliance.controller.call_session import SessionTiming
from appliance.controller.holding import PHRASES
from appliance.controller.orders import Orders
from appliance.controller.placing import Placing
from appliance.controller.pulse import Pulse
from appliance.controller.reaper import OpenCall, Reaper
from appliance.controller.supervisor import Supervisor
from appliance.controller.voicemail import VoicemailCollector
from appliance.decisions.chain import DecisionChain
from appliance.decisions.policies import standard_policies
from appliance.dialogue import prompts
from appliance.events.log import EventLog
from appliance.events.reader import history, open_calls, recall
from appliance.events.shipper import Shipper
from appliance.events.telling import tell
from appliance.inference import server
from appliance.inference.config import InferenceConfig
from appliance.inference.store.starting import with_models_in_use
from appliance.media.media_thread import media_thread
from appliance.settings import Settings
from appliance.speech.barge_in import BargeInRules
from appliance.speech.completeness import CompletenessModel
from appliance.speech.endpointing import PauseLengths
from appliance.speech.fallback import sentences
from appliance.speech.turn_taker import TurnTakerConfig
from appliance.storage.database import Database
from appliance.storage.directory_store import DirectoryCache
from appliance.storage.spool import Spool
from appliance.switch import commands
from appliance.switch.call_channel import CallChannel
from appliance.switch.call_server import CallServer
from appliance.switch.control_link import ControlLink, open_control_link
from appliance.wiring.engines import Engines, engines_over_http

__all__ = ["Engines", "control_link", "controller", "database", "serve_inference"]

log = structlog.get_logger()

_LINK_PATIENCE_S = 30.0


def database(settings: Settings) -> Database:
    """The database as the application's role.

    Raises:
        ConfigurationError: when none is named.
    """
    if not settings.database_url:
        raise ConfigurationError("no database: set DATABASE_URL=postgresql://user@host/name")
    return Database(settings.database_url)


@contextmanager
def controller(settings: Settings, engines: Engines | None = None) -> Iterator[Supervisor]:
    """A controller that takes calls for as long as the context lasts.

    Args:
        engines: in place of those behind the settings' URL; for measuring everything but them.
    """
    media_thread()  # now: its start takes 50 ms, and a first call must not find it uncompiled
    engines = engines or engines_over_http(settings)
    with ExitStack() as undo:
        if engines.servers is not None:
            undo.callback(engines.servers.close)
        store = database(settings)
        undo.callback(store.close)
        warming = Group()
        undo.callback(warming.kill)
        directories = DirectoryCache(
            store,
            settings.storage.snapshot,
            on_change=lambda changed: _warm(engines, changed, warming),
        )
        directories.start()
        undo.callback(directories.stop)
        events = _event_log(settings, store, undo)
        link = control_link(settings)
        undo.callback(link.stop)
        desks = _desk_server(settings, lambda channel: supervisor.on_session(channel), undo)
        supervisor = Supervisor(
            _equipment(settings, engines, store, directories, events, link, desks)
        )
        _serve(settings, supervisor, link, undo)
        _reap(settings, store, directories, events, link, supervisor, undo)
        _collect_voicemail(settings, store, directories, events, undo)
        placing = Placing(link, directories.by_organisation, settings.switch.domain)
        orders = Orders(
            store, supervisor.calls,
            lambda: [one.organisation_id for one in directories.directories], placing.place,
        )  # fmt: skip
        orders.start()
        undo.callback(orders.stop)
        pulse = Pulse(supervisor.calls, link, events.spool)
        pulse.start()
        undo.callback(pulse.stop)
        yield supervisor


def control_link(settings: Settings) -> ControlLink:
    """The control link to FreeSWITCH, not started.

    Raises:
        ConfigurationError: when no password is set.
    """
    switch = settings.switch
    if not switch.password:
        raise ConfigurationError(
            "no Event Socket password: set APPLIANCE_SWITCH__PASSWORD to FreeSWITCH's"
        )
    return open_control_link(switch.host, switch.port, switch.password)


def serve_inference(settings: Settings, ready: Callable[[], None]) -> None:
    """Run the model server until SIGTERM or SIGINT; ``ready`` is called once it listens.

    Raises:
        ConfigurationError: the address is taken.
    """
    inference = settings.inference
    config = InferenceConfig(
        host=inference.host, port=inference.port, recognizer=inference.recognizer,
        recognizer_model=inference.recognizer_model, language_model=inference.language_model,
        language_model_file=inference.language_model_file, voice=inference.voice,
        voice_model=inference.voice_in_use, device=inference.device, threads=inference.threads,
        pronunciations=inference.pronunciations,
        calls=inference.calls, recognizer_workers=inference.recognizer_workers,
    )  # fmt: skip
    try:
        server.run(with_models_in_use(config, settings.storage.models, log.warning), ready)
    except OSError as error:
        raise ConfigurationError(
            f"cannot serve models at {config.host}:{config.port}: {error.strerror}; "
            "APPLIANCE_INFERENCE__HOST and __PORT name another place"
        ) from error


def _event_log(settings: Settings, store: Database, undo: ExitStack) -> EventLog:
    directory = settings.storage.spool
    try:
        spool = Spool(directory, name=settings.name)
    except OSError as error:
        raise ConfigurationError(
            f"events cannot be kept in {directory.absolute()}: {error.strerror}; let the user we "
            "run as write there, or name another place with APPLIANCE_STORAGE__DIRECTORY"
        ) from error
    shipper = Shipper(spool, store)
    shipper.start()

    def end() -> None:
        spool.close(remove=shipper.stop())

    undo.callback(end)
    return EventLog(spool, listeners=(tell,))


def _equipment(
    settings: Settings, engines: Engines, store: Database, directories: DirectoryCache,
    events: EventLog, link: ControlLink, desk_server: str,
) -> Equipment:  # fmt: skip
    switch = settings.switch

    def directory_of(number: str) -> tuple[Directory, Did] | None:
        directory = directories.by_did(number)
        if directory is None:
            return None
        plain = number.lstrip("+")
        did = next(did for did in directory.dids if did.number.lstrip("+") == plain)
        return directory, did

    def history_of(organisation_id: str, call_id: str) -> list[Event]:
        return recall(store, settings.storage.spool, organisation_id, call_id)

    return Equipment(
        name=settings.name, switch=link, events=events, recognizer=engines.recognizer,
        voice=engines.voice,
        chain=DecisionChain(standard_policies(engines.model, wishes=engines.wishes)),
        directory_of=directory_of, history_of=history_of,
        call_config=CallConfig(
            domain=switch.domain,
            socket_address=desk_server,
            accept_timeout_s=settings.dialogue.accept_timeout_s,
            come_back_to=f"{switch.return_extension}:XML:{switch.return_context}",
        ),
        turn_taking=_turn_taking(settings),
        timing=SessionTiming(
            no_input_s=settings.speech.no_input_ms / 1000,
            holding_s=settings.speech.holding_ms / 1000,
            longest_call_s=settings.dialogue.longest_call_s,
        ),
        recognize_timeout_s=settings.inference.recognize_timeout_s,
        recordings=(
            settings.storage.recording_directory if settings.storage.recordings else None
        ),
        servers=engines.servers, first_engines=engines.first,
    )  # fmt: skip


def _turn_taking(settings: Settings) -> TurnTakerConfig:
    speech, completeness = settings.speech, settings.inference.completeness_model
    return TurnTakerConfig(
        pauses=PauseLengths(
            finished_ms=speech.pause_finished_ms, default_ms=speech.pause_default_ms,
            unfinished_ms=speech.pause_unfinished_ms, digits_ms=speech.pause_unfinished_ms,
            cap_ms=speech.pause_cap_ms,
        ),
        barge_in=BargeInRules(speech_ms=speech.barge_in_ms),
        completeness=CompletenessModel.load(completeness) if completeness else None,
    )  # fmt: skip


def _desk_server(
    settings: Settings, on_session: Callable[[CallChannel], None], undo: ExitStack
) -> str:
    """Where the legs of desks arrive, as ``host:port``.

    A port of its own: while a controller drains it takes no new callers, but those it has are still
    connected to people.
    """
    switch = settings.switch
    desks = CallServer(
        switch.call_server_host, switch.desk_server_port, on_session,
        max_sessions=switch.max_calls,
    )  # fmt: skip
    host, port = _listening(desks)
    undo.callback(desks.stop)
    return f"{host}:{port}"


def _listening(server: CallServer) -> tuple[str, int]:
    try:
        return server.start()
    except OSError as error:
        raise ConfigurationError(
            f"cannot take calls at {server.bind_address}:{server.bind_port[0]}: {error.strerror}"
        ) from error


def _serve(settings: Settings, supervisor: Supervisor, link: ControlLink, undo: ExitStack) -> None:
    switch = settings.switch
    link.on_event(supervisor.on_switch_event, subscribe=("CHANNEL_HANGUP_COMPLETE",))
    link.start()
    calls = CallServer(
        switch.call_server_host, switch.call_server_port, supervisor.on_session,
        max_sessions=switch.max_calls,
    )  # fmt: skip
    _listening(calls)
    undo.callback(calls.stop)
    supervisor.stop_taking = calls.drain


def _reap(
    settings: Settings, store: Database, directories: DirectoryCache, events: EventLog,
    link: ControlLink, supervisor: Supervisor, undo: ExitStack,
) -> None:  # fmt: skip
    def unended() -> list[OpenCall]:
        return [
            OpenCall(call.call_id, directory.organisation_id)
            for directory in directories.directories
            for call in open_calls(store, directory.organisation_id)
        ]

    def history_of(call: OpenCall) -> list[Event]:
        return history(store, settings.storage.spool, call.organisation_id, call.call_id)

    reaper = Reaper(
        supervisor.calls, events, unended, lambda leg: commands.exists(link, leg), history_of
    )

    def reap() -> None:
        link.wait_connected(_LINK_PATIENCE_S)  # without it the first look would be in vain
        reaper.run()

    looking = gevent.spawn(reap)
    looking.name = "reaper"
    undo.callback(looking.kill)


def _collect_voicemail(
    settings: Settings, store: Database, directories: DirectoryCache, events: EventLog,
    undo: ExitStack,
) -> None:  # fmt: skip
    folder = settings.switch.voicemail
    if folder is None:
        return

    def history_of(organisation_id: str, call_id: str) -> list[Event]:
        return history(store, settings.storage.spool, organisation_id, call_id)

    collector = VoicemailCollector(
        folder, settings.storage.recording_directory, settings.name, events,
        lambda: directories.directories, history_of,
    )  # fmt: skip
    collecting = gevent.spawn(collector.run)
    collecting.name = "voicemail"
    undo.callback(collecting.kill)


def _warm(engines: Engines, directories: tuple[Directory, ...], warming: Group) -> None:
    """Have what every caller hears synthesised before the first caller hears it."""
    texts: dict[str, list[str]] = {}
    for directory in directories:
        for persona in dict.fromkeys((directory.persona_of(None), *directory.personas)):
            fixed = (*PHRASES, *prompts.fixed_sentences(directory, persona))
            spoken = texts.setdefault(persona.voice, [])
            spoken += (part for text in fixed for part in sentences(text))
    warming.kill(block=False)  # what was fixed before may be said no more
    for number, keeper in enumerate(engines.keepers):
        warming.spawn(keeper.keep, texts).name = f"phrases-{number}"
