"""The directory: whom the appliance can connect a caller to."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

# In the order they are made.
_TABLES = (
    "organisations",
    "dids",
    "extensions",
    "people",
    "departments",
    "department_members",
    "opening_hours",
    "hour_exceptions",
    "trunks",
)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "organisations",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("greeting", sa.Text(), server_default=sa.text("'Hello.'"), nullable=False),
        sa.Column("timezone", sa.Text(), server_default=sa.text("'UTC'"), nullable=False),
        sa.Column("operator_id", sa.Uuid(), nullable=True),
        sa.Column("emergency_id", sa.Uuid(), nullable=True),
        sa.Column(
            "directory_revision", sa.BigInteger(), server_default=sa.text("1"), nullable=False
        ),
        sa.PrimaryKeyConstraint("organisation_id", name=op.f("pk_organisations")),
    )
    op.create_table(
        "dids",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("greeting", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_dids_organisation_id_organisations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organisation_id", "number", name=op.f("pk_dids")),
        sa.UniqueConstraint("number", name=op.f("uq_dids_number")),
    )
    op.create_table(
        "extensions",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("a1_hash", sa.Text(), nullable=True),
        sa.Column("voicemail_password", sa.Text(), nullable=True),
        sa.Column("outbound", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_extensions_organisation_id_organisations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organisation_id", "number", name=op.f("pk_extensions")),
        sa.UniqueConstraint("domain", "number", name=op.f("uq_extensions_domain_number")),
    )
    op.create_table(
        "people",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("extension", sa.Text(), nullable=False),
        sa.Column("aliases", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("transfer_mode", sa.Text(), server_default=sa.text("'attended'"), nullable=False),
        sa.Column("ring_timeout_s", sa.Integer(), server_default=sa.text("20"), nullable=False),
        sa.CheckConstraint(
            "transfer_mode IN ('attended', 'blind')", name=op.f("ck_people_transfer_mode")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id", "extension"],
            ["extensions.organisation_id", "extensions.number"],
            name=op.f("fk_people_organisation_id_extension_extensions"),
            onupdate="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_people_organisation_id_organisations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f("pk_people")),
        sa.UniqueConstraint("organisation_id", "name", name=op.f("uq_people_organisation_id_name")),
    )
    op.create_table(
        "departments",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("aliases", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("topics", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("transfer_mode", sa.Text(), server_default=sa.text("'attended'"), nullable=False),
        sa.Column("ring_timeout_s", sa.Integer(), server_default=sa.text("20"), nullable=False),
        sa.Column("own_hours", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint(
            "transfer_mode IN ('attended', 'blind')", name=op.f("ck_departments_transfer_mode")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_departments_organisation_id_organisations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f("pk_departments")),
        sa.UniqueConstraint(
            "organisation_id", "name", name=op.f("uq_departments_organisation_id_name")
        ),
    )
    op.create_table(
        "department_members",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("department_id", sa.Uuid(), nullable=False),
        sa.Column("extension", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id", "department_id"],
            ["departments.organisation_id", "departments.id"],
            name=op.f("fk_department_members_organisation_id_department_id_departments"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id", "extension"],
            ["extensions.organisation_id", "extensions.number"],
            name=op.f("fk_department_members_organisation_id_extension_extensions"),
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_department_members_organisation_id_organisations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "organisation_id", "department_id", "extension", name=op.f("pk_department_members")
        ),
    )
    op.create_table(
        "opening_hours",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("department_id", sa.Uuid(), nullable=True),
        sa.Column("weekday", sa.Integer(), nullable=False),
        sa.Column("opens", sa.Time(), nullable=False),
        sa.Column("closes", sa.Time(), nullable=False),
        sa.CheckConstraint("opens < closes", name=op.f("ck_opening_hours_span")),
        sa.CheckConstraint("weekday BETWEEN 0 AND 6", name=op.f("ck_opening_hours_weekday")),
        sa.ForeignKeyConstraint(
            ["organisation_id", "department_id"],
            ["departments.organisation_id", "departments.id"],
            name=op.f("fk_opening_hours_organisation_id_department_id_departments"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_opening_hours_organisation_id_organisations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f("pk_opening_hours")),
    )
    op.create_table(
        "hour_exceptions",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("department_id", sa.Uuid(), nullable=True),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("opens", sa.Time(), nullable=True),
        sa.Column("closes", sa.Time(), nullable=True),
        sa.CheckConstraint(
            "(opens IS NULL) = (closes IS NULL) AND opens < closes",
            name=op.f("ck_hour_exceptions_span"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id", "department_id"],
            ["departments.organisation_id", "departments.id"],
            name=op.f("fk_hour_exceptions_organisation_id_department_id_departments"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_hour_exceptions_organisation_id_organisations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f("pk_hour_exceptions")),
    )
    op.create_table(
        "trunks",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("proxy", sa.Text(), nullable=False),
        sa.Column("realm", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("username", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("password", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("register", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("addresses", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column(
            "outbound_prefixes",
            sa.ARRAY(sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("emergency", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("position", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_trunks_organisation_id_organisations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organisation_id", "name", name=op.f("pk_trunks")),
    )


def downgrade() -> None:
    """Drop them, last made first."""
    for table in reversed(_TABLES):
        op.drop_table(table)
