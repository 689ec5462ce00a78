"""What of Whisper's output is believed."""

import pytest

from appliance.inference.inventions import why_not_believed
from appliance.inference.protocols import TranscriptSegment


def segment(
    text: str, logprob: float = -0.1, no_speech: float = 0.01, compression: float = 1.0
) -> TranscriptSegment:
    return TranscriptSegment(0.0, 1.0, text, logprob, no_speech, compression)


@pytest.mark.parametrize(
    "believed",
    [
        segment("can i speak to john smith please"),
        segment("Thank you.", logprob=-0.3),
        segment("yes", logprob=-0.9, no_speech=0.5),
        segment("billing", logprob=-1.2, no_speech=0.1),
    ],
)
def test_callers_are_believed(believed: TranscriptSegment) -> None:
    assert why_not_believed(believed) == ""


@pytest.mark.parametrize(
    "invented",
    [
        segment("Thank you for watching!"),
        segment("Subtitles by the Amara.org community"),
        segment("Thank you.", no_speech=0.8),
        segment("Bye.", logprob=-1.3),
        segment("so so so so so so so so", compression=3.0),
        segment("the of and", logprob=-1.2, no_speech=0.9),
        segment("cart water maybe", logprob=-2.5),
    ],
)
def test_inventions_are_not(invented: TranscriptSegment) -> None:
    assert why_not_believed(invented)
