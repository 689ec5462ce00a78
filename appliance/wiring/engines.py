"""Which engines hear, think and speak for a controller, and in which order they are asked."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from appliance.controller.model_servers import ModelServers
from appliance.decisions import language_models
from appliance.decisions.language_model import HttpLanguageModel, LanguageModel
from appliance.decisions.language_models import LanguageModelChain
from appliance.decisions.wishes import WishModel
from appliance.inference.client import InferenceClient
from appliance.inference.config import EngineOptions, InferenceConfig
from appliance.inference.engines.espeak import EspeakVoice
from appliance.inference.speeches import make_reader
from appliance.inference.store.starting import with_models_in_use
from appliance.settings import Settings
from appliance.speech import fallback, recognizers
from appliance.speech.breaker import CircuitBreaker
from appliance.speech.chain import Rung
from appliance.speech.fallback import EngineVoice, JudgedVoice, Voice, VoiceChain
from appliance.speech.phrase_keeper import PhraseKeeper
from appliance.speech.phrases import PhraseCache
from appliance.speech.recognizer import HttpRecognizer, Recognizer
from appliance.speech.recognizers import RecognizerChain
from appliance.speech.synthesizer import HttpSynthesizer, Synthesizer

AnyEngine = TypeVar("AnyEngine")

# A recogniser's or language model's failure may be about one turn; two in a row are about itself.
_FAILURES = 2
# A voice that failed was waited for, and the next one speaks as well: once is enough.
_VOICE_FAILURES = 1
_VOICE_REST_S = 5.0


@dataclass(frozen=True, slots=True)
class Engines:
    """What hears, thinks and speaks for a controller.

    Attributes:
        model: asked for what the rules leave open; None lets the rules decide alone.
        wishes: tells what is wanted, beside the starter decider.
        keepers: have each voice's fixed phrases spoken ahead; none when a voice needs no cache.
        servers: told of every call; None when everything is in this process.
        first: stage to the name of the engine that is asked first.
    """

    recognizer: Recognizer
    voice: Synthesizer
    model: LanguageModel | None
    wishes: WishModel | None = None
    keepers: tuple[PhraseKeeper, ...] = ()
    servers: ModelServers | None = None
    first: Mapping[str, str] = field(default_factory=dict)


def engines_over_http(settings: Settings) -> Engines:
    """The engines behind the model servers that the settings name, and what each falls back to.

    Raises:
        ConfigurationError: an address is none.
    """
    inference = settings.inference
    hearing = inference.addresses(inference.recognizer_urls)
    thinking = inference.addresses(inference.language_model_urls)
    speaking = inference.addresses(inference.voice_urls)
    clients = {url: InferenceClient(url) for url in dict.fromkeys((*hearing, *thinking, *speaking))}
    models = [
        HttpLanguageModel(clients[url], timeout_s=inference.decide_timeout_s / len(thinking))
        for url in thinking
    ]
    keepers = tuple(_keeper(settings, clients[url]) for url in speaking)
    return Engines(
        RecognizerChain(_rungs((url, HttpRecognizer(clients[url])) for url in hearing)),
        VoiceChain(
            [
                Rung(
                    url,
                    Voice(_live_voice(settings, clients[url]), keeper.phrases),
                    CircuitBreaker(_VOICE_FAILURES, _VOICE_REST_S),
                )
                for url, keeper in zip(speaking, keepers, strict=True)
            ],
            EngineVoice(
                EspeakVoice(EngineOptions()), make_reader("en", inference.pronunciations)
            ),
            timeout_s=inference.speak_timeout_s,
        ),
        LanguageModelChain(
            _rungs(zip(thinking, models, strict=True)), inference.decide_timeout_s
        ),
        wishes_in_use(settings),
        keepers,
        ModelServers(
            list(clients.values()), [clients[url] for url in hearing], models[0]
        ),
        {
            recognizers.STAGE: hearing[0],
            language_models.STAGE: thinking[0],
            fallback.STAGE: speaking[0],
        },
    )  # fmt: skip


def wishes_in_use(settings: Settings) -> WishModel | None:
    """The model of wishes; None where a larger language model is in use, which needs none.

    Raises:
        ConfigurationError: the settings name a file that is none.
    """
    inference = settings.inference
    shipped = type(inference).model_fields["language_model_file"].default
    if inference.wishes_model is None or inference.language_model_urls:
        return None
    if _in_use(settings).language_model_file != shipped:
        return None
    return WishModel.load(inference.wishes_model)


def _in_use(settings: Settings) -> InferenceConfig:
    """The models as the settings and ``appliance models use`` have chosen them."""
    inference = settings.inference
    config = InferenceConfig(
        voice=inference.voice, voice_model=inference.voice_in_use,
        language_model_file=inference.language_model_file,
    )  # fmt: skip
    return with_models_in_use(config, settings.storage.models, lambda _: None)


def _rungs(engines: Iterable[tuple[str, AnyEngine]]) -> list[Rung[AnyEngine]]:
    return [Rung(url, engine, CircuitBreaker(_FAILURES)) for url, engine in engines]


def _live_voice(settings: Settings, client: InferenceClient) -> Synthesizer:
    return JudgedVoice(HttpSynthesizer(client, stall_s=settings.inference.speech_stall_s))


def _keeper(settings: Settings, client: InferenceClient) -> PhraseKeeper:
    """Only what a judge took for speech is kept, and nobody waits for it."""
    inference = settings.inference
    voice = HttpSynthesizer(client)
    names = inference.pronunciations.read_text("utf-8") if inference.pronunciations else ""
    said = hashlib.sha256(names.encode()).hexdigest()[:12]
    phrases = PhraseCache(
        settings.storage.phrases, JudgedVoice(voice), identity=f"{voice.identity}|{said}"
    )
    return PhraseKeeper(phrases, client, voice)
