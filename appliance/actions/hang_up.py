"""End the call from our side, after the last words were heard."""

from appliance.actions.call import Call
from appliance.calls.hangup import HangupCause
from appliance.media.playback import Playback

_LAST_WORDS_S = 15.0


def hang_up(call: Call, last_words: Playback | None) -> None:
    """Wait for the last words to be played, then hang up.

    Raises:
        SwitchError: when the leg is already gone.
    """
    if last_words is not None:
        last_words.wait(_LAST_WORDS_S)
    call.line.channel.hangup(HangupCause.NORMAL_CLEARING)
