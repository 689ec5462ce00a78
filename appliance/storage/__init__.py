"""Where things are kept: the spool on disk, PostgreSQL, and the directory that calls are led by."""
