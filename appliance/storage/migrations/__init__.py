"""Alembic migrations; see :mod:`appliance.storage.migrate`."""
