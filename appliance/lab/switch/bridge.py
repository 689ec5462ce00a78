"""Two legs talking to each other, and what becomes of each when they stop."""

from typing import TYPE_CHECKING

from appliance.lab.switch.channel import State

if TYPE_CHECKING:
    from appliance.lab.switch.channel import Channel

_MEETING_TIMEOUT_S = 20.0


class Bridge:
    """A bridge of an originator and a peer. Each leg's greenlet takes part in its own half.

    The originator fires CHANNEL_BRIDGE and CHANNEL_UNBRIDGE; FreeSWITCH fires neither on the peer.
    """

    def __init__(self, originator: "Channel", peer: "Channel") -> None:
        """Tie the two legs together; they are connected when both take part."""
        self._a = originator
        self._b = peer
        self._peer_is_here = False
        self._ended = False
        self.up = False
        for channel in (originator, peer):
            channel.bridge = self
            channel.other_leg = self.other(channel)

    def other(self, channel: "Channel") -> "Channel":
        """The leg at the other end."""
        return self._b if channel is self._a else self._a

    def wake_both(self) -> None:
        """Something changed on one leg that the other should look at."""
        self._a.wake.set()
        self._b.wake.set()

    def begin(self) -> None:
        """``uuid_bridge``: pull both legs out of whatever they are doing."""
        for channel in (self._a, self._b):
            other = self.other(channel)
            channel.set_variable("bridge_channel", other.name)
            channel.set_variable("bridge_uuid", other.uuid)
            channel.set_variable("signal_bond", other.uuid)
        self._a.go(State.CS_HIBERNATE)
        self._b.go(State.CS_HIBERNATE)

    def take_part(self, channel: "Channel") -> None:
        """Run one leg's half of a ``uuid_bridge``, from meeting to what comes after."""
        if channel is self._b:
            self._take_part_as_peer()
            return
        if not self._meet():
            return
        for one in (self._a, self._b):
            uuid = self.other(one).uuid
            one.fire("CHANNEL_EXECUTE", {"Application": "uuid_bridge", "Application-Data": uuid})
        self._connect()
        if channel.ready and channel.state is State.CS_HIBERNATE:
            channel.set_state(State.CS_EXECUTE)

    def meet_and_connect(self) -> None:
        """The originator's half for the ``bridge`` application."""
        if self._meet():
            self._connect()

    def _meet(self) -> bool:
        """Wait for the peer's greenlet to let go of its work; False when nothing came of it."""
        a, b = self._a, self._b
        a.idle(_MEETING_TIMEOUT_S, lambda: self._peer_is_here or b.down.is_set())
        if a.ready and self._peer_is_here and not b.down.is_set():
            return True
        self._end()
        if a.ready:
            a.hang_up("DESTINATION_OUT_OF_ORDER")
        return False

    def _take_part_as_peer(self) -> None:
        """The peer waits for the end, then parks, is transferred or hung up."""
        peer = self._b
        self._peer_is_here = True
        self._a.wake.set()
        peer.idle(None, lambda: self._ended)
        if not peer.ready:
            return
        if not self._after_bridge(peer):
            peer.hang_up("NORMAL_CLEARING")

    def _connect(self) -> None:
        """The originator's half of ``switch_ivr_multi_threaded_bridge``, until the bridge ends.

        Afterwards the originator is parked, transferred, hung up or, when none was asked for, left
        to go on with its dialplan.
        """
        a, b = self._a, self._b
        ids = {"Bridge-A-Unique-ID": a.uuid, "Bridge-B-Unique-ID": b.uuid}
        a.answer()
        for one in (a, b):
            one.set_variable("last_bridge_to", self.other(one).uuid)
            one.set_variable("bridge_uuid", self.other(one).uuid)
        b.set_variable("call_uuid", a.uuid)
        a.fire("CHANNEL_BRIDGE", ids)
        a.media.peer, b.media.peer = b, a
        self.up = True
        a.idle(None, lambda: not b.ready)
        a.media.peer = b.media.peer = None
        for one in (a, b):
            if one.hangup_cause:
                self.other(one).set_variable("bridge_hangup_cause", one.hangup_cause)
        b.set_variable("call_uuid", b.uuid)
        a.fire("CHANNEL_UNBRIDGE", ids)
        self._end()
        if a.ready and not self._after_bridge(a) and a.is_true("hangup_after_bridge"):
            a.hang_up(b.hangup_cause or "NORMAL_CLEARING")

    def _end(self) -> None:
        self._ended = True
        self.up = False
        for channel in (self._a, self._b):
            if channel.bridge is self:
                channel.bridge = None
        self.wake_both()

    @staticmethod
    def _after_bridge(channel: "Channel") -> bool:
        if channel.is_true("park_after_bridge"):
            channel.set_state(State.CS_PARK)
            return True
        where = channel.variables.pop("transfer_after_bridge", "")
        if where:
            extension, _, rest = where.partition(":")
            dialplan, _, context = rest.partition(":")
            channel.transfer(extension, dialplan, context)
            return True
        return False
