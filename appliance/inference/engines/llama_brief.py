"""llama.cpp's short functions, called without letting go of the interpreter.

ctypes lets other threads run while a foreign function does. For one that takes a few microseconds
that is a bad bargain: the server's thread takes its turn there, and the next token waits for it
instead of being evaluated meanwhile. Not one that may wait for a GPU is among them.
"""

import ctypes
from functools import cache
from typing import Any

_BRIEF = (
    "llama_memory_seq_rm",
    "llama_sampler_accept",
    "llama_sampler_apply",
    "llama_sampler_clone",
    "llama_sampler_free",
    "llama_set_abort_callback",
    "llama_token_to_piece",
    "llama_vocab_is_eog",
)


@cache
def brief(name: str) -> Any:
    """One of them, by its name, with the arguments that `llama_cpp` gives it."""
    import llama_cpp

    assert name in _BRIEF, name
    function = getattr(llama_cpp, name)
    address = ctypes.cast(function, ctypes.c_void_p).value
    assert address is not None
    return ctypes.PYFUNCTYPE(function.restype, *function.argtypes)(address)
