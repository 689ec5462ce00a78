"""FreeSWITCH over its Event Socket: framing, call server, control link, commands, rendered files.

*Call server*: FreeSWITCH dials us, once per call. *Control link*: we dial FreeSWITCH.
"""
