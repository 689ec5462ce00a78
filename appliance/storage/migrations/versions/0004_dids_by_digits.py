"""A DID is one number with and without its ``+``: no two organisations may share its digits.

Calls are led by the digits alone, so the second organisation would take the first one's calls.
"""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the index; fails where two DIDs have the same digits, and names them."""
    op.execute("CREATE UNIQUE INDEX uq_dids_digits ON dids (ltrim(number, '+'))")


def downgrade() -> None:
    """Take it back."""
    op.execute("DROP INDEX uq_dids_digits")
