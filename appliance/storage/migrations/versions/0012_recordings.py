"""A call has as many recordings as parts, and each turn says which part it was said in."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

_MINE = "organisation_id = nullif(current_setting('appliance.organisation_id', true), '')::uuid"

# What was recorded after a take-over was in no event: of those parts only the turns are known.
_FILL = """
    INSERT INTO recordings (organisation_id, call_id, event_id, seq, at, part, path)
    SELECT organisation_id, call_id, event_id, seq, at, 1, data ->> 'recording'
    FROM events JOIN calls USING (organisation_id, call_id)
    WHERE organisation_id = mine AND kind = 'call_started' AND data ->> 'recording' <> '';
    UPDATE turns AS t SET part = 1 + (
        SELECT count(*) FROM events AS e
        WHERE e.organisation_id = mine AND e.call_id = t.call_id AND e.seq < t.seq
            AND e.kind = 'call_resumed')
    FROM calls AS c
    WHERE c.organisation_id = mine AND c.times_resumed > 0
        AND t.organisation_id = mine AND t.call_id = c.call_id
"""
_PUT_BACK = """
    UPDATE calls AS c SET recording = first.path
    FROM (SELECT DISTINCT ON (call_id) call_id, path FROM recordings
          WHERE organisation_id = mine ORDER BY call_id, seq) AS first
    WHERE c.organisation_id = mine AND c.call_id = first.call_id
"""


def upgrade() -> None:
    """Make the table from what the calls' column and their events say."""
    op.create_table(
        "recordings",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id", "call_id"],
            ["calls.organisation_id", "calls.call_id"],
            name=op.f("fk_recordings_organisation_id_call_id_calls"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "organisation_id", "call_id", "event_id", name=op.f("pk_recordings")
        ),
    )
    op.execute("ALTER TABLE recordings ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE recordings FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own_organisation ON recordings USING ({_MINE}) WITH CHECK ({_MINE})")
    op.execute("GRANT SELECT, INSERT ON recordings TO appliance_app")
    op.add_column(
        "turns", sa.Column("part", sa.Integer(), server_default=sa.text("1"), nullable=False)
    )
    op.execute(_for_each_organisation(_FILL))
    op.drop_column("calls", "recording")


def downgrade() -> None:
    """Keep the first recording of each call."""
    op.add_column("calls", sa.Column("recording", sa.Text(), nullable=True))
    op.execute(_for_each_organisation(_PUT_BACK))
    op.drop_column("turns", "part")
    op.drop_table("recordings")


def _for_each_organisation(statements: str) -> str:
    return f"""
    DO $$
    DECLARE
        mine uuid;
    BEGIN
        FOR mine IN SELECT o.organisation_id FROM organisations AS o LOOP
            PERFORM set_config('appliance.organisation_id', mine::text, true);
            {statements};
        END LOOP;
        PERFORM set_config('appliance.organisation_id', '', true);
    END $$
    """  # noqa: S608 - made of constants
