"""The pages, one file a subject; each ends in its ``ROUTES``."""
