"""The model server, and the client that talks to one.

The way of a request through the server, and where to read it:

1. it comes in                                    :mod:`~appliance.inference.server`
2. is let in, for a call                          ``admission``, ``capacity``
3. is read                                        ``transcriptions``, ``chat``, ``speeches``
4. finds the engine that serves its call          :mod:`~appliance.inference.seats`
5. waits for its turn                             :mod:`~appliance.inference.fair_queue`
6. is worked on, by a thread that may hang        :mod:`~appliance.inference.crew`, ``stalls``
7. by an engine                                   :mod:`~appliance.inference.engines`
8. and is answered, or refused in OpenAI's words  :mod:`~appliance.inference.replies`
"""
