"""The record of calls: events, and what is derived from them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"

# In the order they are made.
_TABLES = (
    "calls",
    "legs",
    "turns",
    "decisions",
    "transfers",
    "messages",
    "events",
)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "calls",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("first_event_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_event_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seq", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("did", sa.Text(), nullable=True),
        sa.Column("caller_number", sa.Text(), nullable=True),
        sa.Column("caller_name", sa.Text(), nullable=True),
        sa.Column("controller", sa.Text(), nullable=True),
        sa.Column("controller_seq", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("sample_rate_hz", sa.Integer(), nullable=True),
        sa.Column("recording", sa.Text(), nullable=True),
        sa.Column("times_resumed", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("how", sa.Text(), nullable=True),
        sa.Column("talked_ms", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_calls_organisation_id_organisations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organisation_id", "call_id", name=op.f("pk_calls")),
    )
    op.create_index(
        "ix_calls_open",
        "calls",
        ["first_event_at"],
        unique=False,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(op.f("ix_calls_first_event_at"), "calls", ["first_event_at"], unique=False)
    op.create_table(
        "legs",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("leg_id", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("extension", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("transfer", sa.Integer(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id", "call_id"],
            ["calls.organisation_id", "calls.call_id"],
            name=op.f("fk_legs_organisation_id_call_id_calls"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organisation_id", "call_id", "leg_id", name=op.f("pk_legs")),
    )
    op.create_table(
        "turns",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("speaker", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("started_ms", sa.Integer(), nullable=False),
        sa.Column("ended_ms", sa.Integer(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("interrupted", sa.Boolean(), nullable=False),
        sa.Column("delays_ms", postgresql.JSONB(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id", "call_id"],
            ["calls.organisation_id", "calls.call_id"],
            name=op.f("fk_turns_organisation_id_call_id_calls"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organisation_id", "call_id", "event_id", name=op.f("pk_turns")),
    )
    op.create_table(
        "decisions",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("heard", sa.Text(), nullable=False),
        sa.Column("intent", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("target_id", sa.Text(), nullable=True),
        sa.Column("priority", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("took_ms", sa.Double(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("directory_version", sa.Text(), nullable=False),
        sa.Column("decision", postgresql.JSONB(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id", "call_id"],
            ["calls.organisation_id", "calls.call_id"],
            name=op.f("fk_decisions_organisation_id_call_id_calls"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "organisation_id", "call_id", "event_id", name=op.f("pk_decisions")
        ),
    )
    op.create_table(
        "transfers",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("transfer", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("target_id", sa.Text(), nullable=True),
        sa.Column("target_name", sa.Text(), nullable=True),
        sa.Column("extensions", sa.ARRAY(sa.Text()), nullable=True),
        sa.Column("mode", sa.Text(), nullable=True),
        sa.Column("leg_id", sa.Text(), nullable=True),
        sa.Column("announcement", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("took_ms", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id", "call_id"],
            ["calls.organisation_id", "calls.call_id"],
            name=op.f("fk_transfers_organisation_id_call_id_calls"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "organisation_id", "call_id", "transfer", name=op.f("pk_transfers")
        ),
    )
    op.create_table(
        "messages",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("target_id", sa.Text(), nullable=False),
        sa.Column("target_name", sa.Text(), nullable=False),
        sa.Column("caller_name", sa.Text(), nullable=False),
        sa.Column("callback_number", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id", "call_id"],
            ["calls.organisation_id", "calls.call_id"],
            name=op.f("fk_messages_organisation_id_call_id_calls"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organisation_id", "call_id", "event_id", name=op.f("pk_messages")),
    )
    op.create_table(
        "events",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("data", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_events")),
    )
    op.create_index(
        op.f("ix_events_organisation_id_call_id_seq"),
        "events",
        ["organisation_id", "call_id", "seq"],
        unique=False,
    )


def downgrade() -> None:
    """Drop them, last made first."""
    for table in reversed(_TABLES):
        op.drop_table(table)
