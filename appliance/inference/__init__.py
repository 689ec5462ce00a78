"""The model server, and the client that talks to one."""
