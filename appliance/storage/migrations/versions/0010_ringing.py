"""How long callers waited for the person who took them is counted too, for histograms."""

from alembic import op

revision = "0010"
down_revision = "0009"

# `appliance.events.reports` counts the same as transfers end.
_COUNT = """
    INSERT INTO public.figures (organisation_id, grain, measure, at, key, n, total)
    SELECT organisation_id, grain, 'ring', date_trunc(grain, ended_at, zone),
        public.appliance_delay_bucket(took_ms)::text, count(*), sum(took_ms)
    FROM public.transfers
    JOIN (SELECT o.organisation_id, public.appliance_zone(o.timezone) AS zone
          FROM public.organisations AS o) AS places USING (organisation_id),
        (VALUES ('hour'), ('day'), ('week')) AS grains (grain)
    WHERE organisation_id = mine AND result = 'connected' AND ended_at IS NOT NULL
        AND took_ms IS NOT NULL
    GROUP BY 1, 2, 4, 5
"""
_RECOUNT = f"""
CREATE FUNCTION appliance_recount() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    mine uuid := nullif(current_setting('appliance.organisation_id', true), '')::uuid;
    listed bigint := public.appliance_recount_calls();
BEGIN
    {_COUNT};
    RETURN listed;
END $$
"""
_BACKFILL = f"""
DO $$
DECLARE
    mine uuid;
BEGIN
    FOR mine IN SELECT o.organisation_id FROM organisations AS o LOOP
        PERFORM set_config('appliance.organisation_id', mine::text, true);
        {_COUNT};
    END LOOP;
    PERFORM set_config('appliance.organisation_id', '', true);
END $$
"""  # noqa: S608 - made of constants


def upgrade() -> None:
    """Count what is there, and whenever all is counted anew."""
    op.execute("ALTER FUNCTION appliance_recount() RENAME TO appliance_recount_calls")
    op.execute("REVOKE ALL ON FUNCTION appliance_recount_calls() FROM appliance_app")
    op.execute(_RECOUNT)
    op.execute("REVOKE ALL ON FUNCTION appliance_recount() FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION appliance_recount() TO appliance_app")
    op.execute(_BACKFILL)


def downgrade() -> None:
    """Take it all back."""
    op.execute("DROP FUNCTION appliance_recount()")
    op.execute("ALTER FUNCTION appliance_recount_calls() RENAME TO appliance_recount")
    op.execute("GRANT EXECUTE ON FUNCTION appliance_recount() TO appliance_app")
    op.execute("DELETE FROM figures WHERE measure = 'ring'")
