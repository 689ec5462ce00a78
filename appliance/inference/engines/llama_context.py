"""llama.cpp itself: a model with several sequences, evaluated and read out token by token.

The sequences have memory of their own each (``kv_unified`` off), so that what one call holds does
not slow another one's tokens: with seven other sequences of 500 tokens, the next token takes
0.3 ms, and 4.7 ms where all share one memory. Flash attention is off on the CPU: 30 tokens after
470 take 2 ms without it, and 18 with it. (The starter decider on one thread.)
"""

import ctypes
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from appliance.inference.engines.llama_brief import brief
from appliance.inference.protocols import ChatMessage
from appliance.inference.slots import Tokens

log = logging.getLogger(__name__)

_BATCH = 512
_LONGEST_CONTEXT = 4096
_SHORTENED_CONTEXT = 2048
_ENOUGH_SLOTS = 4
_CACHE_BYTES = 1 << 30
"""What all sequences may take together; how many there are depends on it."""
_NO_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "<|im_start|>assistant\n"
)


class DecodeError(RuntimeError):
    """llama.cpp did not evaluate the tokens. What the sequence held is lost."""


class LlamaContext:
    """A GGUF model, loaded.

    Args:
        most_slots: sequences that are wanted; large models get fewer.

    Attributes:
        slots: how many sequences there are.
        length: tokens that fit into one.

    Raises:
        ValueError: the file is none that llama.cpp can read.
    """

    def __init__(self, file: Path, *, threads: int, cuda: bool, most_slots: int) -> None:
        import llama_cpp

        _log_errors_only()
        llama_cpp.llama_backend_init()
        self._library = llama_cpp
        params = llama_cpp.llama_model_default_params()
        params.n_gpu_layers = 0x7FFFFFFF if cuda else 0
        self._model: Any = llama_cpp.llama_model_load_from_file(str(file).encode(), params)
        if not self._model:
            raise ValueError(f"{file}: not a GGUF model that llama.cpp can read")
        self.vocabulary: Any = llama_cpp.llama_model_get_vocab(self._model)
        self.n_vocabulary = int(llama_cpp.llama_vocab_n_tokens(self.vocabulary))
        self.length, self.slots = _extent(
            llama_cpp.llama_model_n_ctx_train(self._model), self._bytes_a_token(), most_slots
        )
        self._context: Any = llama_cpp.llama_init_from_model(
            self._model, self._context_params(threads, cuda=cuda)
        )
        if not self._context:
            llama_cpp.llama_model_free(self._model)
            raise ValueError(f"{file}: llama.cpp makes no context of it")
        self._memory: Any = llama_cpp.llama_get_memory(self._context)
        self._batch = _Batch()
        self._template = self._chat_template()

    def close(self) -> None:
        """Free the model; nothing else may be called after."""
        if self._context:
            self._library.llama_free(self._context)
            self._library.llama_model_free(self._model)
            self._context = None

    @contextmanager
    def abortable(self, gives_up: Callable[[], bool]) -> Iterator[None]:
        """Inside, ``gives_up`` is asked some eighty times in each evaluation whether to go on.

        For prompts: the next token is there before asking so often is worth it.
        """
        callback = self._library.ggml_abort_callback(lambda _: gives_up())
        brief("llama_set_abort_callback")(self._context, callback, None)
        try:
            yield
        finally:
            nobody = self._library.ggml_abort_callback()
            brief("llama_set_abort_callback")(self._context, nobody, None)

    def prompt(self, messages: tuple[ChatMessage, ...]) -> Tokens:
        """The messages as the model's chat template writes them, up to where the answer begins.

        Raises:
            ValueError: the template does not take such messages.
        """
        text = self._template(
            messages=[{"role": m.role, "content": m.content} for m in messages]
        ).prompt.encode()
        room = len(text) + 8
        tokens = np.zeros(room, np.int32)
        pointer = tokens.ctypes.data_as(ctypes.POINTER(ctypes.c_int32))
        count = self._library.llama_tokenize(
            self.vocabulary, text, len(text), pointer, room, False, True
        )
        if count < 0:
            raise ValueError("the prompt cannot be tokenised")
        return tokens[:count]

    def truncate(self, slot: int, keep: int) -> bool:
        """Remove what a sequence holds past ``keep`` tokens; False when it can only lose all."""
        return bool(brief("llama_memory_seq_rm")(self._memory, slot, keep, -1))

    def clear(self, slot: int) -> None:
        """Remove all that a sequence holds."""
        brief("llama_memory_seq_rm")(self._memory, slot, -1, -1)

    def copy(self, source: int, slot: int) -> None:
        """Make a sequence hold what another one holds."""
        self.clear(slot)
        self._library.llama_memory_seq_cp(self._memory, source, slot, -1, -1)

    def evaluate(self, slot: int, tokens: Tokens, start: int) -> None:
        """Add tokens to a sequence that holds ``start`` of them, 512 at a time.

        Raises:
            DecodeError: it was told to abort, or failed.
        """
        for first in range(0, len(tokens), _BATCH):
            part = tokens[first : first + _BATCH]
            status = self._library.llama_decode(
                self._context, self._batch.filled(part, start + first, slot)
            )
            if status != 0:
                self.clear(slot)
                raise DecodeError(f"llama.cpp: decode returned {status}")

    def logits(self) -> npt.NDArray[np.float32]:
        """How likely each token is to follow the last one, shape (n_vocabulary,); a view."""
        pointer = self._library.llama_get_logits_ith(self._context, -1)
        return np.ctypeslib.as_array(pointer, (self.n_vocabulary,))

    def ends(self, token: int) -> bool:
        """Whether the token ends an answer."""
        return bool(brief("llama_vocab_is_eog")(self.vocabulary, token))

    def piece(self, token: int) -> bytes:
        """The token's text; control tokens have none."""
        room = 64
        while True:
            buffer = ctypes.create_string_buffer(room)
            size = brief("llama_token_to_piece")(self.vocabulary, token, buffer, room, 0, False)
            if size >= 0:
                return buffer.raw[:size]
            room = -size

    def control_texts(self) -> tuple[str, ...]:
        """Texts that the tokenizer would read as control tokens; longest first."""
        texts = {
            self._library.llama_vocab_get_text(self.vocabulary, token).decode(errors="replace")
            for token in range(self.n_vocabulary)
            if self._library.llama_vocab_is_control(self.vocabulary, token)
        }
        return tuple(sorted(texts - {""}, key=len, reverse=True))

    def _context_params(self, threads: int, *, cuda: bool) -> Any:
        params = self._library.llama_context_default_params()
        params.n_ctx = self.length * self.slots
        params.n_seq_max = self.slots
        params.kv_unified = False
        params.n_batch = params.n_ubatch = min(_BATCH, self.length)
        params.n_threads = params.n_threads_batch = threads
        if not cuda:
            params.flash_attn_type = self._library.LLAMA_FLASH_ATTN_TYPE_DISABLED
        return params

    def _bytes_a_token(self) -> int:
        """What the cache keeps of one token: a key and a value of 16 bits in every layer."""
        library, model = self._library, self._model
        head = library.llama_model_n_embd(model) // max(1, library.llama_model_n_head(model))
        wide = head * library.llama_model_n_head_kv(model)
        return max(1, int(library.llama_model_n_layer(model) * wide * 2 * 2))

    def _chat_template(self) -> Any:
        from llama_cpp.llama_chat_format import Jinja2ChatFormatter

        template = self._library.llama_model_chat_template(self._model, None)
        return Jinja2ChatFormatter(
            template=template.decode() if template else _NO_TEMPLATE,
            eos_token=self._special(self._library.llama_vocab_eos(self.vocabulary)),
            bos_token=self._special(self._library.llama_vocab_bos(self.vocabulary)),
        )

    def _special(self, token: int) -> str:
        if token < 0:
            return ""
        text: bytes = self._library.llama_vocab_get_text(self.vocabulary, token)
        return text.decode(errors="replace")


class _Batch:
    """The arrays that llama.cpp reads tokens from, made once."""

    def __init__(self) -> None:
        import llama_cpp

        self._tokens = np.zeros(_BATCH, np.int32)
        self._places = np.zeros(_BATCH, np.int32)
        self._counts = np.ones(_BATCH, np.int32)
        self._wanted = np.zeros(_BATCH, np.int8)
        self._slot = ctypes.c_int32(0)
        one = ctypes.pointer(self._slot)
        self._slots = (ctypes.POINTER(ctypes.c_int32) * _BATCH)(*[one] * _BATCH)

        def ints(array: npt.NDArray[Any], kind: Any) -> Any:
            return array.ctypes.data_as(ctypes.POINTER(kind))

        self._batch = llama_cpp.llama_batch(
            n_tokens=0,
            token=ints(self._tokens, ctypes.c_int32),
            pos=ints(self._places, ctypes.c_int32),
            n_seq_id=ints(self._counts, ctypes.c_int32),
            seq_id=ctypes.cast(self._slots, ctypes.POINTER(ctypes.POINTER(ctypes.c_int32))),
            logits=ints(self._wanted, ctypes.c_int8),
        )

    def filled(self, tokens: Tokens, start: int, slot: int) -> Any:
        """These tokens, at these places of one sequence; what follows the last is asked for."""
        count = len(tokens)
        self._tokens[:count] = tokens
        self._places[:count] = np.arange(start, start + count)
        self._wanted[:count] = 0
        self._wanted[count - 1] = 1
        self._slot.value = slot
        self._batch.n_tokens = count
        return self._batch


def _extent(trained: int, bytes_a_token: int, most_slots: int) -> tuple[int, int]:
    """Length and number of the sequences that fit into `_CACHE_BYTES`."""
    length = min(trained or _LONGEST_CONTEXT, _LONGEST_CONTEXT)
    slots = _CACHE_BYTES // (length * bytes_a_token)
    if slots < _ENOUGH_SLOTS and length > _SHORTENED_CONTEXT:
        length = _SHORTENED_CONTEXT
        slots = _CACHE_BYTES // (length * bytes_a_token)
    return length, max(1, min(most_slots, slots))


@cache
def _log_errors_only() -> object:
    """Send llama.cpp's errors to our log, and the hundreds of lines of a normal load nowhere."""
    import llama_cpp

    error_level = 4  # GGML_LOG_LEVEL_ERROR
    # What it says of an evaluation that we have given up.
    expected = (b"failed with error 1", b"compute status: 1", b"failed to decode, ret = 2")

    def take(level: int, text: bytes, _data: object) -> None:
        if level == error_level and not text.strip().endswith(expected):
            log.error("llama.cpp: %s", text.decode(errors="replace").strip())

    callback = llama_cpp.llama_log_callback(take)
    llama_cpp.llama_log_set(callback, None)
    return callback  # kept by the cache: llama.cpp goes on calling it
