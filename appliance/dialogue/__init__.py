"""The conversation: what to say and do next, as plain steps. No audio, no clock, no socket.

Read :mod:`~.conversation` first; it answers inputs with :mod:`~.steps`, by way of
:mod:`~.moves`. Every sentence is in :mod:`~.prompts`.
"""
