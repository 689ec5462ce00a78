"""What the appliance does on a call: one verb per file, each over a :class:`~.call.Call`."""
