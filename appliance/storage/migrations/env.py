"""What Alembic runs to apply migrations: one connection, one lock, one transaction."""

from alembic import context
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from appliance.storage import report_models  # noqa: F401  (puts its tables into the metadata)
from appliance.storage.admin_models import Account

# Any number will do, as long as every version of the appliance uses the same.
_MIGRATION_LOCK = 7_239_110

engine = create_engine(
    context.config.attributes["url"], poolclass=NullPool, connect_args={"connect_timeout": 5}
)
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=Account.metadata)
    with context.begin_transaction():
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
        context.run_migrations()
