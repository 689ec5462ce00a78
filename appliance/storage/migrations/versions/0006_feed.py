"""A place of its own for every event in the feed, and orders that people give to calls.

Positions grow in the order of commits. A number that is drawn in one transaction may become
visible after a larger one of another; who reads on from the largest number seen would then miss
the smaller. So whoever adds events of an organisation waits here until the last who did so has
committed. The lock ends with the transaction, just after its rows have become visible.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"

_MINE = "organisation_id = nullif(current_setting('appliance.organisation_id', true), '')::uuid"

_ORGANISATION = "current_setting('appliance.organisation_id', true)"
_IN_TURN = f"""
CREATE FUNCTION appliance_events_in_turn() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- Row-level security lets nobody add events of another organisation than this.
    PERFORM pg_advisory_xact_lock(
        hashtextextended('appliance events ' || {_ORGANISATION}, 0));
    RETURN NULL;
END $$
"""

_TELL_OF_EVENTS = f"""
CREATE FUNCTION appliance_tell_of_events() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM pg_notify('appliance_events', {_ORGANISATION});
    RETURN NULL;
END $$
"""

_TELL_OF_ORDERS = """
CREATE FUNCTION appliance_tell_of_orders() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM pg_notify('appliance_orders', NEW.call_id);
    ELSE
        PERFORM pg_notify('appliance_answers', NEW.id::text);
    END IF;
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    """Add positions and orders."""
    op.add_column(
        "events", sa.Column("position", sa.BigInteger(), sa.Identity(always=True), nullable=False)
    )
    op.create_index(
        op.f("ix_events_organisation_id_position"), "events", ["organisation_id", "position"]
    )
    for function in (_IN_TURN, _TELL_OF_EVENTS, _TELL_OF_ORDERS):
        op.execute(function)
    op.execute(
        "CREATE TRIGGER in_turn BEFORE INSERT ON events "
        "FOR EACH STATEMENT EXECUTE FUNCTION appliance_events_in_turn()"
    )
    op.execute(
        "CREATE TRIGGER tell AFTER INSERT ON events "
        "FOR EACH STATEMENT EXECUTE FUNCTION appliance_tell_of_events()"
    )
    _make_orders()


def _make_orders() -> None:
    op.create_table(
        "orders",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("verb", sa.Text(), nullable=False),
        sa.Column("detail", postgresql.JSONB(), nullable=False),
        sa.Column("given_by", sa.Text(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'given'"), nullable=False),
        sa.Column("words", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.CheckConstraint(
            "state IN ('given', 'taken', 'done', 'refused')", name=op.f("ck_orders_state")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_orders_organisation_id_organisations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f("pk_orders")),
    )
    op.create_index(op.f("ix_orders_call_id"), "orders", ["call_id"])
    op.execute("ALTER TABLE orders ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE orders FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own_organisation ON orders USING ({_MINE}) WITH CHECK ({_MINE})")
    op.execute("GRANT SELECT, INSERT, UPDATE ON orders TO appliance_app")
    op.execute(
        "CREATE TRIGGER tell AFTER INSERT OR UPDATE OF state ON orders "
        "FOR EACH ROW EXECUTE FUNCTION appliance_tell_of_orders()"
    )


def downgrade() -> None:
    """Take it all back."""
    op.drop_table("orders")
    op.execute("DROP TRIGGER tell ON events")
    op.execute("DROP TRIGGER in_turn ON events")
    for function in ("events_in_turn", "tell_of_events", "tell_of_orders"):
        op.execute(f"DROP FUNCTION appliance_{function}()")
    op.drop_index(op.f("ix_events_organisation_id_position"), "events")
    op.drop_column("events", "position")
