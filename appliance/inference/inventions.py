"""What Whisper says when nobody spoke, and how to tell."""

import re

from appliance.inference.protocols import TranscriptSegment

# Learnt from subtitles: never said to a switchboard.
_NEVER_SAID = frozenset(
    {
        "thank you for watching",
        "thanks for watching",
        "thank you so much for watching",
        "thanks for listening",
        "please subscribe",
        "please subscribe to my channel",
        "dont forget to subscribe",
        "like and subscribe",
        "see you in the next video",
        "see you next time",
        "subtitles by the amaraorg community",
        "subtitles by amaraorg",
        "transcription by castingwords",
        "music",
        "applause",
        "silence",
        "blank audio",
        "laughter",
    }
)
# Said by callers too: only believed from a model that is sure of it.
_OFTEN_INVENTED = frozenset({"thank you", "thanks", "you", "bye", "bye bye", "okay", "so", "the"})

_HIGHEST_COMPRESSION = 2.4  # Whisper's own limit: above it the text repeats itself
_LIKELY_NO_SPEECH = 0.6  # Whisper's own limit, which it applies only to unsure text
_UNSURE_LOGPROB = -1.0
_RUBBISH_LOGPROB = -2.0


def why_not_believed(segment: TranscriptSegment) -> str:
    """Why a segment is to be dropped; empty when it is to be kept."""
    words = re.sub(r"[^\w\s]", "", segment.text.lower()).split()
    said = " ".join(words)
    unsure = segment.avg_logprob < _UNSURE_LOGPROB
    if segment.compression_ratio > _HIGHEST_COMPRESSION:
        return f"repeats itself (compression ratio {segment.compression_ratio:.1f})"
    if said in _NEVER_SAID:
        return "a known invention"
    if said in _OFTEN_INVENTED and (unsure or segment.no_speech_prob > _LIKELY_NO_SPEECH):
        return "often invented, and not certain here"
    if unsure and segment.no_speech_prob > _LIKELY_NO_SPEECH:
        return f"probably no speech ({segment.no_speech_prob:.2f})"
    if segment.avg_logprob < _RUBBISH_LOGPROB:
        return f"the model does not believe it itself ({segment.avg_logprob:.1f})"
    return ""
