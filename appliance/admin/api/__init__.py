"""``/api/v1``, one file a resource; each ends in its ``ROUTES``."""
