"""Text to text with llama.cpp: any GGUF model, answers held to a JSON schema by a grammar."""

import ctypes
import json
import logging
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from appliance.inference.config import EngineOptions
from appliance.inference.gbnf import SchemaNotSupportedError, grammar_of
from appliance.inference.protocols import (
    BadRequestError,
    Cancellation,
    ChatMessage,
    ChatPiece,
    ChatRequest,
)

log = logging.getLogger(__name__)

_LONGEST_CONTEXT = 4096
_LONGEST_SCHEMA = 65536  # characters; the answer's enum holds a whole directory


class LlamaCppChat:
    """A GGUF model, prompted by the chat template it carries."""

    def __init__(self, options: EngineOptions) -> None:
        self._options = options
        self._file = Path(options.model)
        self.name = f"llama-cpp:{self._file.stem}"
        self._model: Any = None
        self._control: tuple[str, ...] = ()
        self._abort: Any = None
        self._cancellation: Cancellation | None = None

    def load(self) -> None:
        """Read the model and let it say one token."""
        if not self._file.is_file():
            raise FileNotFoundError(f"{self._file}: no model there")
        import llama_cpp

        _log_errors_only()
        trained = _trained_context(self._file) or _LONGEST_CONTEXT
        self._model = llama_cpp.Llama(
            str(self._file),
            n_ctx=min(trained, _LONGEST_CONTEXT),
            n_batch=512,
            n_threads=self._options.threads,
            n_threads_batch=self._options.threads,
            n_gpu_layers=-1 if self._options.device == "cuda" else 0,
            verbose=False,
        )
        self._control = _control_tokens(self._model)
        self._abort = llama_cpp.ggml_abort_callback(self._aborts)
        llama_cpp.llama_set_abort_callback(self._model.ctx, self._abort, None)
        hello = ChatRequest((ChatMessage("user", "hello"),), max_tokens=1)
        for _ in self.chat(hello, Cancellation(float("inf"))):
            pass

    def chat(self, request: ChatRequest, cancellation: Cancellation) -> Iterator[ChatPiece]:
        """Yield the answer token by token."""
        messages = [{"role": m.role, "content": self._plain(m.content)} for m in request.messages]
        grammar = self._grammar(request.schema)
        self._cancellation = cancellation
        try:
            yield from self._answer(request, messages, grammar, cancellation)
        except ValueError as error:
            self._model.reset()
            if "context window" not in str(error):
                raise
            raise BadRequestError(
                str(error), code="context_length_exceeded", param="messages"
            ) from error
        except RuntimeError:
            # llama_decode says only that it failed. When we aborted it, that is why; either way
            # what it keeps of the last prompt cannot be relied on.
            self._model.reset()
            cancellation.check()
            raise
        finally:
            self._cancellation = None

    def _answer(
        self,
        request: ChatRequest,
        messages: list[dict[str, str]],
        grammar: Any,
        cancellation: Cancellation,
    ) -> Iterator[ChatPiece]:
        tokens = 0
        finish = "stop"
        for chunk in self._model.create_chat_completion(
            messages,
            stream=True,
            grammar=grammar,
            max_tokens=request.max_tokens,
            temperature=request.temperature,
            seed=request.seed,
        ):
            cancellation.check()
            choice = chunk["choices"][0]
            finish = choice["finish_reason"] or finish
            if text := choice["delta"].get("content"):
                tokens += 1
                yield ChatPiece(text)
        prompt_tokens = max(0, int(self._model.n_tokens) - tokens)
        yield ChatPiece("", finish, prompt_tokens, tokens)

    def _grammar(self, schema: Mapping[str, Any] | None) -> Any:
        """The schema as a grammar that llama.cpp has parsed once: on one it cannot parse, its
        sampler would end the process.
        """
        if schema is None:
            return None
        import llama_cpp

        text = json.dumps(schema)
        if len(text) > _LONGEST_SCHEMA:
            raise BadRequestError("the schema is too long", param="response_format")
        grammar = _gbnf(text)
        vocabulary = llama_cpp.llama_model_get_vocab(self._model.model)
        sampler = llama_cpp.llama_sampler_init_grammar(vocabulary, grammar.encode(), b"root")
        if not sampler:
            raise BadRequestError("schema: llama.cpp refuses its grammar", param="response_format")
        llama_cpp.llama_sampler_free(sampler)
        return llama_cpp.llama_grammar.LlamaGrammar.from_string(grammar, verbose=False)

    def _aborts(self, _data: object) -> bool:
        """Asked by llama.cpp between the layers of a long prompt."""
        cancellation = self._cancellation
        return cancellation is not None and cancellation.requested

    def _plain(self, text: str) -> str:
        """The text without the model's control tokens: what a caller says is never a command."""
        for token in self._control:
            while token in text:
                text = text.replace(token, " ")
        return text


@cache
def _log_errors_only() -> object:
    """Send llama.cpp's errors to our log, and the hundreds of lines of a normal load nowhere."""
    import llama_cpp

    error_level = 4  # GGML_LOG_LEVEL_ERROR

    def take(level: int, text: bytes, _data: object) -> None:
        if level == error_level:
            log.error("llama.cpp: %s", text.decode(errors="replace").strip())

    callback = llama_cpp.llama_log_callback(take)
    llama_cpp.llama_log_set(callback, None)
    return callback  # kept by the cache: llama.cpp goes on calling it


def _trained_context(file: Path) -> int:
    """How many tokens the model was trained to attend to, from its header; 0 when it is silent."""
    import llama_cpp

    params = llama_cpp.llama_model_default_params()
    params.vocab_only = True
    model = llama_cpp.llama_model_load_from_file(str(file).encode(), params)
    if not model:
        raise ValueError(f"{file}: not a GGUF model that llama.cpp can read")
    try:
        architecture = _fact(model, "general.architecture")
        return int(_fact(model, f"{architecture}.context_length") or 0)
    finally:
        llama_cpp.llama_model_free(model)


def _fact(model: Any, key: str) -> str:
    import llama_cpp

    text = ctypes.create_string_buffer(128)
    found = llama_cpp.llama_model_meta_val_str(model, key.encode(), text, len(text))
    return text.value.decode(errors="replace") if found >= 0 else ""


def _control_tokens(model: Any) -> tuple[str, ...]:
    """Texts that the tokenizer would read as control tokens; longest first."""
    import llama_cpp

    vocabulary = llama_cpp.llama_model_get_vocab(model.model)
    texts = {
        llama_cpp.llama_vocab_get_text(vocabulary, token).decode(errors="replace")
        for token in range(model.n_vocab())
        if llama_cpp.llama_vocab_is_control(vocabulary, token)
    }
    return tuple(sorted(texts - {""}, key=len, reverse=True))


@lru_cache(maxsize=64)
def _gbnf(schema: str) -> str:
    try:
        return grammar_of(json.loads(schema))
    except SchemaNotSupportedError as error:
        raise BadRequestError(f"schema: {error}", param="response_format") from error
