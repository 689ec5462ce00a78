"""Accounts, sessions, tokens, the audit log, and what the admin application needs beside them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"

_MINE = "organisation_id = nullif(current_setting('appliance.organisation_id', true), '')::uuid"
_EDITED = ("accounts", "browser_sessions", "api_tokens", "idempotency_keys")
_ADDED_ONLY = ("audit_log",)
_GUARDS = "sign_in_guards"

# Who signs in is known by the e-mail address alone, before the organisation is. The function runs
# as the owner of the table; the policy lets the owner see accounts inside this function only.
_LOOK_UP = """
CREATE FUNCTION appliance_account_of(wanted text)
RETURNS TABLE (organisation_id uuid, account_id uuid)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM set_config('appliance.account_look_up', 'on', true);
    RETURN QUERY SELECT a.organisation_id, a.id FROM public.accounts AS a
        WHERE lower(a.email) = lower(wanted);
    PERFORM set_config('appliance.account_look_up', '', true);
END $$
"""


def upgrade() -> None:
    """Make the tables, their policies and grants."""
    _make_accounts()
    _make_sessions()
    _make_tokens()
    _make_audit_log()
    _make_idempotency_keys()
    op.create_table(
        _GUARDS,
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_failed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_sign_in_guards")),
    )
    _protect()
    op.execute(_LOOK_UP)
    op.execute("REVOKE ALL ON FUNCTION appliance_account_of(text) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION appliance_account_of(text) TO appliance_app")


def _protect() -> None:
    for table in (*_EDITED, *_ADDED_ONLY, _GUARDS):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    for table in (*_EDITED, *_ADDED_ONLY):
        op.execute(
            f"CREATE POLICY own_organisation ON {table} USING ({_MINE}) WITH CHECK ({_MINE})"
        )
    # Not "TO appliance_app": that would let in the owner too, who is a member of it.
    application = "current_user = 'appliance_app'"
    op.execute(
        f"CREATE POLICY every_address ON {_GUARDS} USING ({application}) WITH CHECK ({application})"
    )
    op.execute(
        "CREATE POLICY account_look_up ON accounts FOR SELECT TO CURRENT_USER "
        "USING (current_setting('appliance.account_look_up', true) = 'on')"
    )
    op.execute(
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON {', '.join((*_EDITED, _GUARDS))} TO appliance_app"
    )
    # Not even the application's own mistakes change what was done.
    op.execute(f"GRANT SELECT, INSERT ON {', '.join(_ADDED_ONLY)} TO appliance_app")


def _of_organisation(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["organisation_id"],
        ["organisations.organisation_id"],
        name=op.f(f"fk_{table}_organisation_id_organisations"),
        ondelete="CASCADE",
    )


def _of_account(table: str, column: str = "account_id") -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["organisation_id", column],
        ["accounts.organisation_id", "accounts.id"],
        name=op.f(f"fk_{table}_organisation_id_{column}_accounts"),
        ondelete="CASCADE",
    )


def _id() -> sa.Column[object]:
    return sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False)


def _make_accounts() -> None:
    now = sa.text("now()")
    op.create_table(
        "accounts",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        _id(),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("totp_secret", sa.Text(), nullable=True),
        sa.Column("totp_last_step", sa.BigInteger(), nullable=True),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("disabled", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.Column(
            "password_changed_at", sa.DateTime(timezone=True), server_default=now, nullable=False
        ),
        sa.CheckConstraint(
            "role IN ('owner', 'administrator', 'supervisor', 'receptionist', 'auditor')",
            name=op.f("ck_accounts_role"),
        ),
        _of_organisation("accounts"),
        sa.ForeignKeyConstraint(
            ["organisation_id", "person_id"],
            ["people.organisation_id", "people.id"],
            name=op.f("fk_accounts_organisation_id_person_id_people"),
            ondelete="SET NULL (person_id)",
        ),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f("pk_accounts")),
    )
    op.execute("CREATE UNIQUE INDEX uq_accounts_email ON accounts (lower(email))")


def _make_sessions() -> None:
    op.create_table(
        "browser_sessions",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        _id(),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        _of_organisation("browser_sessions"),
        _of_account("browser_sessions"),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f("pk_browser_sessions")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_browser_sessions_token_hash")),
    )


def _make_tokens() -> None:
    op.create_table(
        "api_tokens",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        _id(),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scopes", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        _of_organisation("api_tokens"),
        _of_account("api_tokens", "created_by"),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f("pk_api_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_tokens_token_hash")),
    )


def _make_audit_log() -> None:
    op.create_table(
        "audit_log",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("via", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("object_kind", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("before", postgresql.JSONB(), nullable=True),
        sa.Column("after", postgresql.JSONB(), nullable=True),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("correlation_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f("pk_audit_log")),
    )
    for columns in (["organisation_id", "object_kind", "object_id"], ["organisation_id", "at"]):
        op.create_index(op.f(f"ix_audit_log_{'_'.join(columns)}"), "audit_log", columns)


def _make_idempotency_keys() -> None:
    op.create_table(
        "idempotency_keys",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("principal", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("content_type", sa.Text(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        _of_organisation("idempotency_keys"),
        sa.PrimaryKeyConstraint(
            "organisation_id", "principal", "key", name=op.f("pk_idempotency_keys")
        ),
    )
    op.create_index(op.f("ix_idempotency_keys_created_at"), "idempotency_keys", ["created_at"])


def downgrade() -> None:
    """Take it all back."""
    op.execute("DROP FUNCTION appliance_account_of(text)")
    for table in (
        _GUARDS, "idempotency_keys", "audit_log", "api_tokens", "browser_sessions", "accounts"
    ):  # fmt: skip
        op.drop_table(table)
