"""The event log of calls: appended to the spool, shipped to PostgreSQL, read back as records."""
