"""The real thing: a private FreeSWITCH on loopback, and baresip phones that call over SIP.

``instance`` starts FreeSWITCH with a copy of ``freeswitch-conf/``; ``phone`` runs one baresip
process per phone; ``raw_sip`` is a bare UDP speaker of SIP for what a decent phone cannot do.
"""
