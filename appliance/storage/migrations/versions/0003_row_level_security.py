"""The application's role, and row-level security that keeps organisations apart.

The organisation of a transaction is the setting ``appliance.organisation_id``. Where it is not
set, no row is seen and none can be written; that also holds for the owner of the tables.
"""

from alembic import op

revision = "0003"
down_revision = "0002"

_EDITED = (
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
_BELONGING = _EDITED[1:]
_UPSERTED = ("calls", "legs", "transfers", "messages")
_ADDED_ONLY = ("events", "turns", "decisions")
_ALL = _EDITED + _UPSERTED + _ADDED_ONLY

_MINE = "organisation_id = nullif(current_setting('appliance.organisation_id', true), '')::uuid"

_MAKE_ROLE = """
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'appliance_app') THEN
        CREATE ROLE appliance_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
    END IF;
    IF EXISTS (SELECT FROM pg_roles
               WHERE rolname = 'appliance_app' AND (rolsuper OR rolbypassrls)) THEN
        RAISE EXCEPTION 'role appliance_app gets round row-level security: '
            'ALTER ROLE appliance_app NOSUPERUSER NOBYPASSRLS';
    END IF;
    -- The owner may act as the application (demonstrations run on one URL).
    IF NOT pg_has_role(current_user, 'appliance_app', 'MEMBER') THEN
        EXECUTE format('GRANT appliance_app TO %I', current_user);
    END IF;
    EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO appliance_app', current_database());
END $$
"""

# A controller answers for every organisation, and asks often whether a directory has changed. It
# learns only which organisations there are and a number that grows; everything else it reads as
# one organisation at a time.
_INDEX = """
CREATE FUNCTION appliance_directory_index()
RETURNS TABLE (organisation_id uuid, directory_revision bigint)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$ SELECT o.organisation_id, o.directory_revision FROM public.organisations AS o $$
"""

_GROW = """
CREATE FUNCTION appliance_grow_directory_revision() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    NEW.directory_revision := OLD.directory_revision + 1;
    RETURN NEW;
END $$
"""

_TOUCH = """
CREATE FUNCTION appliance_touch_directory() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- Any update of the organisation makes its revision grow.
    UPDATE public.organisations SET directory_revision = directory_revision
    WHERE organisation_id = coalesce(NEW.organisation_id, OLD.organisation_id);
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    """Make the role, the policies, the grants and the functions."""
    op.execute(_MAKE_ROLE)
    op.execute("GRANT USAGE ON SCHEMA public TO appliance_app")
    for table in _ALL:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY own_organisation ON {table} USING ({_MINE}) WITH CHECK ({_MINE})"
        )
    _grant(_EDITED, "SELECT, INSERT, UPDATE, DELETE")
    _grant(_UPSERTED, "SELECT, INSERT, UPDATE")
    _grant(_ADDED_ONLY, "SELECT, INSERT")
    _make_index()
    _make_triggers()


def _grant(tables: tuple[str, ...], rights: str) -> None:
    op.execute(f"GRANT {rights} ON {', '.join(tables)} TO appliance_app")


def _make_index() -> None:
    # The function runs as the owner, for whom row-level security is in force as well.
    op.execute(
        "CREATE POLICY directory_index ON organisations FOR SELECT TO CURRENT_USER USING (true)"
    )
    op.execute(_INDEX)
    op.execute("REVOKE ALL ON FUNCTION appliance_directory_index() FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION appliance_directory_index() TO appliance_app")


def _make_triggers() -> None:
    op.execute(_GROW)
    op.execute(_TOUCH)
    op.execute(
        "CREATE TRIGGER grow_directory_revision BEFORE UPDATE ON organisations "
        "FOR EACH ROW EXECUTE FUNCTION appliance_grow_directory_revision()"
    )
    for table in _BELONGING:
        op.execute(
            f"CREATE TRIGGER touch_directory AFTER INSERT OR UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION appliance_touch_directory()"
        )


def downgrade() -> None:
    """Take it all back. The role stays: it may be used by another database of the server."""
    for table in _BELONGING:
        op.execute(f"DROP TRIGGER touch_directory ON {table}")
    op.execute("DROP TRIGGER grow_directory_revision ON organisations")
    op.execute("DROP FUNCTION appliance_touch_directory()")
    op.execute("DROP FUNCTION appliance_grow_directory_revision()")
    op.execute("DROP FUNCTION appliance_directory_index()")
    op.execute("DROP POLICY directory_index ON organisations")
    for table in _ALL:
        op.execute(f"DROP POLICY own_organisation ON {table}")
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
        op.execute(f"REVOKE ALL ON {table} FROM appliance_app")
    op.execute("REVOKE USAGE ON SCHEMA public FROM appliance_app")
