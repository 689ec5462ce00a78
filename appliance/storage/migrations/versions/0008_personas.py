"""Personas: who answers a number, and what they say. Greetings become those of personas."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_MINE = "organisation_id = nullif(current_setting('appliance.organisation_id', true), '')::uuid"
_TEXTS = ("house", "voice", "help", "closed_help", "introduction", "anything_else", "goodbye")
_MOVED = ("organisations", "dids", "personas")

# A persona for the organisation's greeting, and one for each greeting that numbers have.
_TAKE_OVER = (
    "INSERT INTO personas (organisation_id, name, greeting) "
    "SELECT organisation_id, 'Front desk', greeting FROM organisations",
    "UPDATE organisations AS o SET persona_id = p.id FROM personas AS p "
    "WHERE p.organisation_id = o.organisation_id",
    "INSERT INTO personas (organisation_id, name, greeting) "
    "SELECT organisation_id, 'For ' || min(number), greeting FROM dids WHERE greeting <> '' "
    "GROUP BY organisation_id, greeting",
    "UPDATE dids AS d SET persona_id = p.id FROM personas AS p "
    "WHERE p.organisation_id = d.organisation_id AND p.greeting = d.greeting "
    "AND d.greeting <> '' AND p.name <> 'Front desk'",
)
_GIVE_BACK = (
    "UPDATE organisations AS o SET greeting = p.greeting FROM personas AS p "
    "WHERE p.organisation_id = o.organisation_id AND p.id = o.persona_id",
    "UPDATE dids AS d SET greeting = p.greeting FROM personas AS p "
    "WHERE p.organisation_id = d.organisation_id AND p.id = d.persona_id",
)


def upgrade() -> None:
    """Make the table, and personas of the greetings that are there."""
    _make_table()
    op.add_column("organisations", sa.Column("persona_id", sa.Uuid(), nullable=True))
    op.add_column("dids", sa.Column("persona_id", sa.Uuid(), nullable=True))
    _across_organisations(_TAKE_OVER)
    op.create_foreign_key(
        op.f("fk_dids_organisation_id_persona_id_personas"), "dids", "personas",
        ["organisation_id", "persona_id"], ["organisation_id", "id"],
    )  # fmt: skip
    op.drop_column("organisations", "greeting")
    op.drop_column("dids", "greeting")
    op.execute(
        "CREATE TRIGGER touch_directory AFTER INSERT OR UPDATE OR DELETE ON personas "
        "FOR EACH ROW EXECUTE FUNCTION appliance_touch_directory()"
    )


def _make_table() -> None:
    empty = sa.text("''")
    op.create_table(
        "personas",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column(
            "id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("greeting", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), server_default=sa.text("'en'"), nullable=False),
        *(sa.Column(name, sa.Text(), server_default=empty, nullable=False) for name in _TEXTS),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.organisation_id"],
            name=op.f("fk_personas_organisation_id_organisations"), ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f("pk_personas")),
        sa.UniqueConstraint(
            "organisation_id", "name", name=op.f("uq_personas_organisation_id_name")
        ),
    )  # fmt: skip
    op.execute("ALTER TABLE personas ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE personas FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own_organisation ON personas USING ({_MINE}) WITH CHECK ({_MINE})")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON personas TO appliance_app")


def _across_organisations(statements: tuple[str, ...]) -> None:
    """Change rows of all organisations at once: row-level security rests for so long."""
    for table in _MOVED:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    for statement in statements:
        op.execute(statement)
    for table in _MOVED:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    """Put the greetings back where they were; what else personas had is lost."""
    for table, default in (("organisations", "'Hello.'"), ("dids", "''")):
        greeting = sa.Column("greeting", sa.Text(), server_default=sa.text(default), nullable=False)
        op.add_column(table, greeting)
    _across_organisations(_GIVE_BACK)
    op.drop_column("dids", "persona_id")
    op.drop_column("organisations", "persona_id")
    op.drop_table("personas")
