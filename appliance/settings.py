"""Settings: read once at the start of a process, from the environment and an optional TOML file.

Every value has a name in the environment: ``APPLIANCE_`` plus the path with ``__`` between, for
example ``APPLIANCE_SWITCH__PASSWORD`` or ``APPLIANCE_SPEECH__NO_INPUT_MS``. The file is named by
``APPLIANCE_SETTINGS`` (``/etc/appliance/appliance.toml`` where that exists); the environment wins.
``DATABASE_URL`` and ``EVENT_SOCKET_PASSWORD`` (the name that FreeSWITCH's own configuration reads)
are understood without the prefix; the names with it come first.
"""

import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
)
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from appliance.calls.errors import ConfigurationError

_ROOT = Path(__file__).resolve().parent.parent
_PREFIX = "APPLIANCE_"
_FILE_VARIABLE = "APPLIANCE_SETTINGS"
# Names that begin like a setting and are read elsewhere: by load_settings, and by `migrate`.
_OTHER_VARIABLES = (_FILE_VARIABLE, "APPLIANCE_APP_PASSWORD")
_USUAL_FILE = Path("/etc/appliance/appliance.toml")


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SwitchSettings(_Group):
    """FreeSWITCH: where its control link listens, and where it finds us."""

    host: str = "127.0.0.1"
    port: int = Field(default=8021, ge=1, le=65535)
    password: str = Field(
        default="", description="Event Socket password; there is no default on purpose"
    )
    call_server_host: str = "127.0.0.1"
    call_server_port: int = Field(default=8084, ge=0, le=65535)
    desk_server_port: int = Field(
        default=0, ge=0, le=65535, description="where desks' legs arrive; any free port when 0"
    )
    domain: str = Field(default="appliance.local", description="the domain that phones register in")
    configuration: Path | None = Field(
        default=None,
        description="FreeSWITCH's configuration directory, which the operators' page keeps up",
    )
    voicemail: Path | None = Field(
        default=None,
        description="FreeSWITCH's voicemail_dir, to collect messages from; none are without",
    )
    return_extension: str = "appliance"
    return_context: str = "public"
    max_calls: int = Field(default=200, ge=1)


def _addresses(value: Any) -> Any:
    """A list, as a file may have it, in the form that the environment has."""
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ",".join(value)
    return value


Addresses = Annotated[str, BeforeValidator(_addresses)]
"""URLs with commas between them; in a file also a list."""


def _parted(value: Any) -> Any:
    """Text with commas, as the environment has it, in parts."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_parted)]
"""Several words; in the environment with commas between them."""


class InferenceSettings(_Group):
    """The model servers. A URL may name any server with the same OpenAI-style endpoints.

    ``url`` does everything, unless a kind has addresses of its own: those are asked in their
    order, the next when one fails. Below the last there is always something that needs no server:
    keys for a recogniser, rules for a language model, espeak-ng for a voice.
    """

    url: str = "http://127.0.0.1:8090"
    recognizer_urls: Addresses = Field(
        default="", description="recognisers, best first, separated by commas; empty: url alone"
    )
    language_model_urls: Addresses = Field(default="", description="language models, likewise")
    voice_urls: Addresses = Field(default="", description="voices, likewise")
    host: str = "127.0.0.1"
    port: int = Field(default=8090, ge=0, le=65535)
    device: Literal["cpu", "cuda"] = "cpu"
    threads: int = Field(default=1, ge=1)
    recognizer: str = "faster-whisper"
    recognizer_model: str = str(_ROOT / "models" / "starter" / "whisper")
    language_model: str = "llama-cpp"
    language_model_file: str = str(_ROOT / "models" / "starter" / "decider.gguf")
    voice: str = "piper"
    voice_model: str = Field(
        default="",
        description="Piper's ONNX file, the starter voice when empty; or the name of one of "
        "espeak-ng's voices, en-us when empty",
    )
    wishes_model: Path | None = Field(
        default=_ROOT / "models" / "starter" / "wishes.npz",
        description="tells what is wanted, beside the starter decider; a larger model needs none",
    )
    completeness_model: Path | None = Field(
        default=_ROOT / "models" / "starter" / "completeness.json",
        description="tells whether a sentence sounds finished; a rule does without it",
    )
    pronunciations: Path | None = Field(
        default=None, description="a file of 'written = spoken' lines, for the site's names"
    )
    recognizer_workers: int = Field(
        default=1, ge=1, description="recognisers side by side in the model server"
    )
    calls: int = Field(
        default=0,
        ge=0,
        description="calls the model server takes at once; 0: as many as it measures it can serve",
    )
    recognize_timeout_s: float = Field(
        default=3.0, gt=0, description="for all recognisers together, then the caller is given keys"
    )
    decide_timeout_s: float = Field(
        default=2.0, gt=0, description="for all language models together, then the rules decide"
    )
    speak_timeout_s: float = Field(
        default=3.0, gt=0, description="for one sentence of one voice to be whole"
    )
    speech_stall_s: float = Field(
        default=0.8,
        gt=0,
        description="silence from one voice, at the start or in a sentence, before the next speaks",
    )

    @property
    def voice_in_use(self) -> str:
        """The voice's file or name: what ``voice_model`` names, else the engine's own."""
        starter = _ROOT / "models" / "starter" / "voice" / "starter.onnx"
        own = {"piper": str(starter), "espeak-ng": "en-us"}
        return self.voice_model or own.get(self.voice, "")

    def addresses(self, own: str) -> tuple[str, ...]:
        """The addresses of a kind: its ``own`` in their order, each once, or ``url``."""
        given = (part.strip() for part in own.split(","))
        return tuple(dict.fromkeys(part for part in given if part)) or (self.url,)


class SpeechSettings(_Group):
    """Turn taking, in milliseconds of audio."""

    pause_finished_ms: int = Field(default=300, gt=0)
    pause_default_ms: int = Field(default=700, gt=0)
    pause_unfinished_ms: int = Field(default=1400, gt=0)
    pause_cap_ms: int = Field(default=2500, gt=0)
    barge_in_ms: int = Field(default=500, gt=0)
    no_input_ms: int = Field(
        default=3800, gt=0, description="the caller hears something again after this"
    )
    holding_ms: int = Field(
        default=1500, gt=0, description="a slow answer is bridged with a phrase after this"
    )


class DialogueSettings(_Group):
    """How long people may take."""

    accept_timeout_s: float = Field(
        default=12.0, gt=0, description="for a desk to press 1 after answering"
    )
    longest_call_s: float = Field(default=1800.0, gt=0)


class StorageSettings(_Group):
    """Where things are kept on disk."""

    directory: Path = Path("var")
    recordings: bool = True

    @property
    def spool(self) -> Path:
        """Events on their way to the database."""
        return self.directory / "spool"

    @property
    def phrases(self) -> Path:
        """Synthesised fixed phrases."""
        return self.directory / "phrases"

    @property
    def snapshot(self) -> Path:
        """The last directory that was read, for a start without the database."""
        return self.directory / "directory.json"

    @property
    def models(self) -> Path:
        """Models that were pulled or added, their checksums, and which are in use."""
        return self.directory / "models"

    @property
    def recording_directory(self) -> Path:
        """Stereo WAV files, one a call."""
        return self.directory / "recordings"


class AdminSettings(_Group):
    """The operators' page and the API: where they listen, and whom they let in."""

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    hosts: Names = Field(
        default=(),
        description="names and addresses, without ports, that the page may be asked for by besides "
        "localhost, 127.0.0.1 and ::1",
    )
    tls_certificate: str = Field(default="", description="PEM file with the chain; needs tls_key")
    tls_key: str = Field(default="", description="PEM file with the private key")
    behind_tls: bool = Field(
        default=False, description="a proxy in front speaks TLS: cookies are marked Secure"
    )
    trusted_proxies: Names = Field(
        default=(), description="networks whose X-Forwarded-For is believed"
    )
    metrics_from: Names = Field(
        default=("127.0.0.0/8", "::1/128"),
        description="networks that may read /metrics and /readyz's details without signing in",
    )
    controllers: int = Field(
        default=1, ge=0, description="how many controllers should run on this machine"
    )
    idle_minutes: int = Field(default=720, ge=1, description="a session unused this long ends")
    longest_hours: int = Field(default=168, ge=1, description="no session lasts longer")
    requests_per_s: float = Field(default=100.0, gt=0, description="of one address, on average")
    account_requests_per_s: float = Field(default=50.0, gt=0)


class Settings(BaseSettings):
    """Everything that can be set. Frozen: a change needs a restart of the process."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, env_nested_delimiter="__", frozen=True, extra="forbid"
    )

    database_url: str = Field(
        default="",
        validation_alias=AliasChoices("APPLIANCE_DATABASE_URL", "DATABASE_URL", "database_url"),
    )
    name: str = Field(
        default="controller-1", description="names this controller in events and logs"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    switch: SwitchSettings = SwitchSettings()
    inference: InferenceSettings = InferenceSettings()
    speech: SpeechSettings = SpeechSettings()
    dialogue: DialogueSettings = DialogueSettings()
    storage: StorageSettings = StorageSettings()
    admin: AdminSettings = AdminSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then the environment, then the file."""
        del dotenv_settings, file_secret_settings
        password = os.environ.get("EVENT_SOCKET_PASSWORD", "")
        shared: dict[str, Any] = {"switch": {"password": password}} if password else {}
        return (
            init_settings,
            env_settings,
            InitSettingsSource(settings_cls, shared),
            InitSettingsSource(settings_cls, _from_file()),
        )


def _from_file() -> dict[str, Any]:
    """What the file says; nothing when none is named and the usual one is not there.

    Raises:
        ConfigurationError: the file that is named is missing, or is no TOML.
    """
    named = os.environ.get(_FILE_VARIABLE, "")
    path = Path(named) if named else _USUAL_FILE
    try:
        if not named and not path.exists():
            return {}
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"settings file {path}: {error.strerror}") from error
    except ValueError as error:  # not UTF-8, or not TOML
        raise ConfigurationError(f"settings file {path}: no valid TOML: {error}") from error


def load_settings() -> Settings:
    """Read the settings.

    Raises:
        ConfigurationError: naming each setting that is wrong and what it wants.
    """
    _refuse_unknown_names()
    try:
        return Settings()
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}"
            for item in error.errors()
        )
        raise ConfigurationError(f"settings: {wrong}") from error
    except SettingsError as error:
        raise ConfigurationError(
            f"settings: {error}; set single values, such as APPLIANCE_SWITCH__PORT"
        ) from error


def _refuse_unknown_names() -> None:
    """A name that is misspelt would be passed over, and its setting stay as it comes.

    Names below a group that there is are looked at with their values.
    """
    known = {f"{_PREFIX}{field.upper()}" for field in Settings.model_fields}
    unknown = sorted(
        name
        for name in os.environ
        if name.startswith(_PREFIX)
        and name.partition("__")[0] not in known
        and name not in _OTHER_VARIABLES
    )
    if unknown:
        raise ConfigurationError(
            f"settings: the environment has {', '.join(unknown)}, and there is no such setting: "
            f"the names that there are begin with {', '.join(sorted(known))}"
        )
