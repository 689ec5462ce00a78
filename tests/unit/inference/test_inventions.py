"""What of Whisper's output is believed."""

import pytest

from appliance.inference.inventions import why_not_believed
from appliance.inference.protocols import TranscriptSegment


def segment(
    text: str,
    logprob: float = -0.1,
    no_speech: float = 0.01,
    compression: float = 1.0,
    seconds: float = 3.0,
) -> TranscriptSegment:
    return TranscriptSegment(0.0, seconds, text, logprob, no_speech, compression)


@pytest.mark.parametrize(
    "believed",
    [
        segment("can i speak to john smith please"),
        segment("Thank you.", logprob=-0.3),
        segment("yes", logprob=-0.9, no_speech=0.5),
        segment("billing", logprob=-1.2, no_speech=0.1),
        segment("no no no no"),
        segment("five five five five five five five"),
        segment("two one one two one one"),
        segment("hello", seconds=0.3),
        segment("hold the line please", seconds=0.5),
        segment("Thank you (sorry) for everything", seconds=1.5),
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
        segment("Untertitel im Auftrag des ZDF f\u00fcr funk, 2017"),
        segment("Sous-titres r\u00e9alis\u00e9s par la communaut\u00e9 d'Amara.org"),
        segment("Sous-titrage Soci\u00e9t\u00e9 Radio-Canada"),
        segment("\u00a1Suscr\u00edbete al canal!"),
        segment("\u0421\u0443\u0431\u0442\u0438\u0442\u0440\u044b DimaTorzok"),
        segment(
            "\u3054\u8996\u8074\u3042\u308a\u304c\u3068\u3046\u3054\u3056\u3044\u307e\u3057\u305f"
        ),
        segment("[Music]"),
        segment("(phone ringing)"),
        segment("*beep*"),
        segment("\u266a la la la \u266a"),
        segment("Subtitles by John Smith"),
        segment("are you a robot", seconds=0.16),
        segment("i would like to speak to john smith please", seconds=0.6),
        segment("supercalifragilisticexpialidocious", seconds=0.3),
        segment("i know " * 5),
        segment("please hold the line " * 4),
        segment("so " * 12),
    ],
)
def test_inventions_are_not(invented: TranscriptSegment) -> None:
    assert why_not_believed(invented)
