"""The bench: a stand-in for FreeSWITCH with virtual phones, and scenarios that try the appliance.

It is an Event Socket peer, not a SIP stack. ``switch`` behaves like FreeSWITCH where the appliance
touches it, ``phones`` speak and listen, ``scenario`` reads the YAML files, ``runner`` plays them
and checks what they expect, ``contract`` holds the cases that the bench and a real FreeSWITCH
share.
"""
