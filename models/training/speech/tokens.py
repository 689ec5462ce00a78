"""The tokenizer: every word of the lexicon one token, in the layout that Whisper models have.

A byte-level BPE whose merges build each " word" letter by letter, so that other text still has
tokens, then Whisper's special tokens in the order of its English models, which is how CTranslate2
and faster-whisper find them.
"""

from functools import cached_property
from pathlib import Path
from typing import Any, Final

from models.training.speech.lexicon import WORDS, words_of

LANGUAGES: Final = words_of(
    """
    en zh de es ru ko fr ja pt tr pl ca nl ar sv it id hi fi vi he uk el ms cs ro da hu ta no th
    ur hr bg lt la mi ml cy sk te fa lv bn sr az sl kn et mk br eu is hy ne mn bs kk sq sw gl mr
    pa si km sn yo so af oc ka be tg sd gu am yi lo uz fo ht ps tk nn mt sa lb my bo tl mg as tt
    haw ln ha ba jw su
    """
)
_TIMESTAMPS: Final = tuple(f"<|{step * 0.02:.2f}|>" for step in range(1501))
_SPECIAL: Final = (
    "<|endoftext|>", "<|startoftranscript|>", *(f"<|{code}|>" for code in LANGUAGES),
    "<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|nospeech|>",
    "<|notimestamps|>", *_TIMESTAMPS,
)  # fmt: skip


class Tokens:
    """Texts to numbers and back."""

    def __init__(self) -> None:
        self._tokenizer = _built()

    def __len__(self) -> int:
        return int(self._tokenizer.get_vocab_size())

    def number(self, special: str) -> int:
        """A special token's number; ``special`` without its brackets."""
        found = self._tokenizer.token_to_id(f"<|{special}|>")
        if found is None:
            raise KeyError(f"no special token {special!r}")
        return int(found)

    def sentence(self, text: str) -> list[int]:
        """One number for each word of a text.

        Raises:
            KeyError: for a word that is not in the lexicon.
        """
        return [self.words[word] for word in text.split()]

    @cached_property
    def words(self) -> dict[str, int]:
        """The number of each word of the lexicon."""
        found = {}
        for word in WORDS:
            numbers = self._tokenizer.encode(" " + word, add_special_tokens=False).ids
            if len(numbers) != 1:
                raise ValueError(f"{word!r} became {len(numbers)} tokens instead of one")
            found[word] = numbers[0]
        return found

    @property
    def vocabulary(self) -> list[str]:
        """All tokens in the order of their numbers."""
        numbers = self._tokenizer.get_vocab(with_added_tokens=True)
        return sorted(numbers, key=numbers.__getitem__)

    def save(self, path: Path) -> None:
        """Write the file that faster-whisper reads."""
        self._tokenizer.save(str(path))


def _built() -> Any:
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers

    vocabulary = {c: i for i, c in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    merges: dict[tuple[str, str], None] = {}
    for word in WORDS:
        text = "Ġ" + word
        for at in range(1, len(text)):
            merges.setdefault((text[:at], text[at]), None)
            vocabulary.setdefault(text[: at + 1], len(vocabulary))
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=list(merges)))
    # Not the usual pattern, which would part words at apostrophes.
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r" ?[^ ]+| +"), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in _SPECIAL])
    return tokenizer
