"""What a caller wants, told from the words alone: a small model beside the language model.

It weighs single words, pairs and triples of neighbouring words, and pieces of words, so that it
knows a wish in wording that neither the rules nor the starter decider have met, and "booked" from
"booking". It knows nobody's name: who is wanted is the directory's business, and the language
model's. Where the directory finds somebody named, a mark stands in the name's place, so that
"tell alice" and "tell mister renner" are one wording.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zipfile import BadZipFile
from zlib import crc32

import numpy as np
import numpy.typing as npt

from appliance.calls.decision import Intent
from appliance.calls.errors import ConfigurationError
from appliance.decisions.context import TurnContext
from appliance.decisions.keys import Kind
from appliance.decisions.spoken import with_digits

Numbers = npt.NDArray[np.float64]

WISHES: Final = tuple(Intent)
"""What can be guessed, in the order of the model's columns."""

PERSON, DEPARTMENT, CALLER = "@", "@d", "~"
"""Stand for a person's name, for a department's, and for the caller's introduction."""

_LIKE_A_NAME = 0.7
_LONGEST = 14
_PIECES = (3, 4)  # letters, a word's borders included


@dataclass(frozen=True, slots=True)
class Wish:
    """A guess. ``chance`` is from 0 to 1."""

    intent: Intent
    chance: float


@dataclass(frozen=True)
class WishModel:
    """The mean of a softmax regression and a small network, both over the same hashed `looks`.

    Attributes:
        buckets: what `looks` hashes into.
        places: buckets that weigh anything, ascending.
        weights: places by the regression's columns, which are `WISHES`, and the network's hidden
            units; zero is no weight.
        scales: (2,): the units of the regression's weights and of the hidden units' weights.
        outputs: hidden units by `WISHES`: what each unit says.
    """

    buckets: int
    places: npt.NDArray[np.int32]
    weights: npt.NDArray[np.int8]
    scales: npt.NDArray[np.float64]
    outputs: npt.NDArray[np.float32]

    @classmethod
    def load(cls, path: Path) -> "WishModel":
        """Read the model that ``python -m models.training.wishes`` writes.

        Raises:
            ConfigurationError: no file there, or not such a model; says which file.
        """
        try:
            with np.load(path, allow_pickle=False) as fields:
                model = cls(
                    int(fields["buckets"]),
                    fields["places"].astype(np.int32),
                    fields["weights"].astype(np.int8),
                    fields["scales"].astype(np.float64),
                    fields["outputs"].astype(np.float32),
                )
        except OSError as error:
            raise ConfigurationError(
                f"wish model {path}: cannot be read ({error.strerror or error}); name the file "
                "that comes with the appliance in models/starter"
            ) from error
        except (ValueError, LookupError, TypeError, BadZipFile, EOFError) as error:
            raise ConfigurationError(
                f"wish model {path}: not such a model; take the one that comes with the appliance "
                "in models/starter"
            ) from error
        if not model._fits():
            raise ConfigurationError(f"wish model {path}: its tables do not fit each other")
        return model

    def guess(self, words: Sequence[str]) -> Wish:
        """The likeliest wish of a turn's `nameless` words."""
        chances = self.chances(looks(words, self.buckets))
        best = int(chances.argmax())
        return Wish(WISHES[best], float(chances[best]))

    def chances(self, places: Sequence[int]) -> Numbers:
        """The chance of each of `WISHES`, given a turn's `looks`; they add up to 1."""
        looked_at = np.array(places, dtype=self.places.dtype)
        rows = np.searchsorted(self.places[:-1], looked_at)
        known = rows[self.places[rows] == looked_at]
        sums = self.weights[known].sum(axis=0, dtype=np.float64)
        scores, units = sums[: len(WISHES)], sums[len(WISHES) :]
        hidden = np.maximum(units, 0) * (self.scales[1] / np.sqrt(len(places)))
        return (softmax(scores * self.scales[0]) + softmax(hidden @ self.outputs)) / 2

    def _fits(self) -> bool:
        units = self.outputs.size // len(WISHES)
        return (
            self.buckets > 0
            and len(self.places) > 0
            and bool((np.diff(self.places) > 0).all())
            and self.weights.shape == (len(self.places), len(WISHES) + units)
            and self.scales.shape == (2,)
            and self.outputs.shape == (units, len(WISHES))
        )


def softmax(scores: Numbers) -> Numbers:
    """Chances from scores, one of each."""
    shares: Numbers = np.exp(scores - scores.max())
    return shares / float(shares.sum())


def nameless(turn: TurnContext) -> list[str]:
    """The words of a turn with marks for names; of two that overlap, the likelier is marked."""
    words: list[str | None] = list(turn.words)
    for match in turn.named.all:
        place = slice(match.start, match.end)
        if match.kind is Kind.TOPIC or match.score < _LIKE_A_NAME or _marked(words[place]):
            continue
        mark = PERSON if match.person else DEPARTMENT
        words[place] = [mark, *[None] * (match.end - match.start - 1)]
    introduced = [CALLER] if turn.introduction.name else []
    return introduced + [word for word in words if word is not None]


def _marked(words: Sequence[str | None]) -> bool:
    return any(word in (None, PERSON, DEPARTMENT) for word in words)


def looks(words: Sequence[str], buckets: int) -> list[int]:
    """What the model looks at, hashed into ``buckets``, each once; a number is any number."""
    known = ("#" if word.isdigit() else word for word in with_digits(words))
    said = ("^", *known, "$")
    found = {f"n {min(len(said), _LONGEST)}", f"f {' '.join(said[1:3])}", f"l {said[-2]}"}
    for place, word in enumerate(said):
        found.add(f"1 {word}")
        found.add(f"2 {' '.join(said[place : place + 2])}")
        found.add(f"3 {' '.join(said[place : place + 3])}")
        found.add(f"s {word} {' '.join(said[place + 2 : place + 3])}")
        whole = f"<{word}>"
        for size in _PIECES:
            found.update(f"c {whole[i : i + size]}" for i in range(len(whole) - size + 1))
    return sorted({crc32(look.encode()) % buckets for look in found})
