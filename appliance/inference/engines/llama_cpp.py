"""Text to text with llama.cpp: any GGUF model, answers held to a JSON schema by a grammar.

What was computed of a call's prompt is kept in a sequence of its own, so that the next turn
evaluates only what is new in it.
"""

import codecs
from collections import deque
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np

from appliance.inference.config import EngineOptions
from appliance.inference.engines.llama_context import DecodeError, LlamaContext
from appliance.inference.engines.llama_sampling import Grammars, Sampler
from appliance.inference.protocols import (
    BadRequestError,
    Cancellation,
    ChatMessage,
    ChatPiece,
    ChatRequest,
    Warmed,
)
from appliance.inference.slots import SlotTable, Tokens, common_length

_MOST_SLOTS = 16
# Two turns that have nothing in common, to see where what is before them ends.
_TURNS = (ChatMessage("user", "yes"), ChatMessage("user", "42"))


class LlamaCppChat:
    """A GGUF model, prompted by the chat template it carries."""

    def __init__(self, options: EngineOptions) -> None:
        self._options = options
        self._file = Path(options.model)
        self.name = f"llama-cpp:{self._file.stem}"
        self._llama: LlamaContext | None = None
        self._grammars: Grammars | None = None
        self._slots = SlotTable(1)
        self._over: deque[str] = deque()
        self._control: tuple[str, ...] = ()

    def load(self) -> None:
        """Read the model and let it say one token."""
        if not self._file.is_file():
            raise FileNotFoundError(f"{self._file}: no model there")
        llama = LlamaContext(
            self._file,
            threads=self._options.threads,
            cuda=self._options.device == "cuda",
            most_slots=_MOST_SLOTS,
        )
        self._llama = llama
        self._grammars = Grammars(llama.vocabulary)
        self._slots = SlotTable(llama.slots)
        self._control = llama.control_texts()
        hello = ChatRequest((ChatMessage("user", "hello"),), max_tokens=1)
        for _ in self.chat(hello, Cancellation(float("inf"))):
            pass

    def close(self) -> None:
        """Free the model."""
        if self._grammars is not None:
            self._grammars.close()
        if self._llama is not None:
            self._llama.close()
        self._llama = None

    def chat(self, request: ChatRequest, cancellation: Cancellation) -> Iterator[ChatPiece]:
        """Yield the answer token by token."""
        llama, grammars = self._loaded()
        cancellation.check()
        tokens = self._prompt(request.messages)
        grammar = grammars.fresh(request.schema)
        with closing(Sampler(grammar, request.temperature, request.seed)) as sampler:
            slot, cached = self._evaluated(llama, request.call, tokens, cancellation)
            yield from self._answer(llama, request, slot, tokens, cached, sampler, cancellation)

    def warm(self, request: ChatRequest, cancellation: Cancellation) -> Iterator[Warmed]:
        """Evaluate what all requests that begin with these messages begin with."""
        llama, _ = self._loaded()
        cancellation.check()
        first, second = (self._prompt((*request.messages, turn)) for turn in _TURNS)
        shared = first[: common_length(first, second)]
        if not len(shared):
            yield Warmed(0, 0)
            return
        _, cached = self._evaluated(llama, request.call, shared, cancellation)
        yield Warmed(len(shared), cached)

    def forget(self, call: str) -> None:
        """The call is over."""
        self._over.append(call)

    def _loaded(self) -> tuple[LlamaContext, Grammars]:
        if self._llama is None or self._grammars is None:
            raise RuntimeError(f"{self.name} is not loaded")
        return self._llama, self._grammars

    def _prompt(self, messages: tuple[ChatMessage, ...]) -> Tokens:
        """The messages' tokens.

        Raises:
            BadRequestError: they do not fit into the model, or its template does not take them.
        """
        import jinja2

        llama, _ = self._loaded()
        try:
            tokens = llama.prompt(
                tuple(ChatMessage(m.role, self._plain(m.content)) for m in messages)
            )
        except (ValueError, jinja2.TemplateError) as error:
            raise BadRequestError(f"messages: {error}", param="messages") from error
        if len(tokens) >= llama.length:
            raise BadRequestError(
                f"{len(tokens)} tokens do not fit into the context window of {llama.length}",
                code="context_length_exceeded",
                param="messages",
            )
        return tokens

    def _evaluated(
        self, llama: LlamaContext, call: str, tokens: Tokens, cancellation: Cancellation
    ) -> tuple[int, int]:
        """Have a sequence hold these tokens; which one, and how many of them were there."""
        while self._over:
            self._slots.forget(self._over.popleft())
        place = self._slots.place(call, tokens)
        if place.copy_from is not None:
            llama.copy(place.copy_from, place.slot)
        keep = place.keep
        if not llama.truncate(place.slot, keep):
            llama.clear(place.slot)
            keep = 0
        with llama.abortable(lambda: cancellation.requested):
            self._evaluate(llama, place.slot, tokens[keep:], keep, cancellation)
        self._slots.record(place.slot, tokens)
        return place.slot, keep

    def _evaluate(
        self,
        llama: LlamaContext,
        slot: int,
        tokens: Tokens,
        start: int,
        cancellation: Cancellation,
    ) -> None:
        try:
            llama.evaluate(slot, tokens, start)
        except DecodeError:
            # llama.cpp says only that it failed. When we aborted it, that is why.
            self._slots.record(slot, tokens[:0])
            cancellation.check()
            raise

    def _answer(
        self,
        llama: LlamaContext,
        request: ChatRequest,
        slot: int,
        prompt: Tokens,
        cached: int,
        sampler: Sampler,
        cancellation: Cancellation,
    ) -> Iterator[ChatPiece]:
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        most = min(request.max_tokens, llama.length - len(prompt))
        written: list[int] = []
        finish = "length"
        while len(written) < most:
            cancellation.check()
            token = sampler.next(llama.logits())
            if token is None or llama.ends(token):
                finish = "stop"
                break
            written.append(token)
            if text := decoder.decode(llama.piece(token)):
                yield ChatPiece(text)
            if len(written) < most:
                held = len(prompt) + len(written) - 1
                self._evaluate(llama, slot, np.array([token], np.int32), held, cancellation)
        if text := decoder.decode(b"", final=True):
            yield ChatPiece(text)
        yield ChatPiece("", finish, len(prompt), len(written), cached)

    def _plain(self, text: str) -> str:
        """The text without the model's control tokens: what a caller says is never a command."""
        for token in self._control:
            while token in text:
                text = text.replace(token, " ")
        return text
