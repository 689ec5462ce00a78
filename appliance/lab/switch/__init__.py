"""What FreeSWITCH does where the appliance touches it, told from its source and from measurement.

``core`` holds the channels and the event bus, ``channel`` is one leg's state machine, ``listener``
speaks the Event Socket, ``api`` and ``applications`` are the commands, ``dialplan`` the way of a
call, ``text`` FreeSWITCH's own ideas of quoting.
"""

from appliance.lab.switch.bench import BenchConfig, BenchSwitch

__all__ = ["BenchConfig", "BenchSwitch"]
