"""What people at SIP phones do in these tests."""

import gevent

from appliance.lab.freeswitch.phone import SipPhone, Spoken
from appliance.lab.sound import tone


def hears(listener: SipPhone, speaker: SipPhone, timeout_s: float = 3.0) -> float:
    """Have the speaker say a tone; seconds until the listener hears it."""
    spoken = speaker.say(tone(speaker.rate_hz, 0.4))
    gevent.sleep(0)
    asked = spoken_at(spoken, timeout_s)
    heard = listener.ear.wait_audible(asked - 0.02, timeout_s)
    assert heard is not None, f"{listener.number} does not hear {speaker.number}"
    return heard - asked


def spoken_at(spoken: Spoken, timeout_s: float) -> float:
    assert spoken.done.wait(timeout_s)
    assert spoken.started_at is not None
    return spoken.started_at


def ring_and_answer(phone: SipPhone, timeout_s: float = 8.0) -> None:
    assert phone.rings.wait(timeout_s), f"{phone.number} never rang: {phone.events}"
    phone.answer()
    assert phone.answered.wait(5)
