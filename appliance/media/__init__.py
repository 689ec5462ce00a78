"""The caller's audio: PCM, 20 ms frames, resampling, the unicast stream, paced playout, recording.

FreeSWITCH's ``unicast`` exchanges raw PCM over loopback UDP and paces nothing. This package turns
that into a stream of exactly 50 frames a second in both directions, whatever the phone does. A
thread in C (``media_thread.c``) moves the frames; Python reads what it did when there may be
something to decide.
"""
