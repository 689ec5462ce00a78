"""Orders go when they are old: what came of them is in the events and in the audit log."""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Let the application delete them."""
    op.execute("GRANT DELETE ON orders TO appliance_app")


def downgrade() -> None:
    """Take it back."""
    op.execute("REVOKE DELETE ON orders FROM appliance_app")
