"""What the appliance adds to its engines: delays, processor time, memory, jitter, throughput.

The engines are replaced by ones that answer at once, inside the controller's process, so that only
our own part is timed. The controller runs as a process of its own; the bench switch with its phones
is the load, in the process that measures. Every figure that could be the load's own fault comes
with a figure of the load alone.

``suite`` is the order of things, ``rig`` what runs, ``talk``, ``barge_in``, ``call_rate`` and
``ingest`` the benchmarks; ``bare_loop`` and ``null_controller`` are what they are held beside.
"""
