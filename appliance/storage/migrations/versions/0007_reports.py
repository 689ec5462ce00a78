"""What lists, search and figures are read from; made from the calls that are there."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"

_MINE = "organisation_id = nullif(current_setting('appliance.organisation_id', true), '')::uuid"
_TABLES = ("call_list", "labels", "call_notes", "figures")

# Every word is kept, also those that English calls empty: people are called Will.
_WORDS = (
    "CREATE TEXT SEARCH DICTIONARY appliance_stem (TEMPLATE = pg_catalog.snowball, "
    "Language = english)",
    "CREATE TEXT SEARCH CONFIGURATION appliance_words (COPY = pg_catalog.english)",
    "ALTER TEXT SEARCH CONFIGURATION appliance_words "
    "ALTER MAPPING REPLACE english_stem WITH appliance_stem",
)

# Nine per cent a bucket: 8 to a doubling, from 1 ms on.
_DELAY_BUCKET = """
CREATE FUNCTION appliance_delay_bucket(took_ms float8) RETURNS int
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT CASE WHEN took_ms >= 1 THEN least(floor(8 * ln(took_ms) / ln(2::float8)), 200)::int
             ELSE -1 END $$
"""
_CONFIDENCE_BUCKET = """
CREATE FUNCTION appliance_confidence_bucket(confidence float8) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT (greatest(least(floor(confidence * 20)::int, 19), 0))::text $$
"""
# Counting must not fail for a zone that nobody knows.
_ZONE = """
CREATE FUNCTION appliance_zone(wanted text) RETURNS text
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    PERFORM now() AT TIME ZONE wanted;
    RETURN wanted;
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN 'UTC';
END $$
"""

# Row-level security keeps the planner from using an index for an operator that is not known to be
# leakproof, and those of text search and arrays are not. So the function reads the table as its
# owner, who has a policy of their own, and names the organisation itself. Statements are made for
# what is asked, so that each has its own plan.
_FIND = """
CREATE FUNCTION appliance_find_calls(wanted jsonb, at_most int)
RETURNS TABLE (call_id text, at timestamptz, rank float8)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    mine uuid := nullif(current_setting('appliance.organisation_id', true), '')::uuid;
    words tsquery := CASE WHEN wanted ->> 'words' <> ''
        THEN websearch_to_tsquery('public.appliance_words', wanted ->> 'words') END;
    digits text := reverse(wanted ->> 'digits');
    dids text[] := ARRAY(SELECT jsonb_array_elements_text(coalesce(wanted -> 'dids', '[]')));
    best boolean := words IS NOT NULL AND coalesce(wanted ->> 'sort', '') = 'best';
    cond text := 'l.organisation_id = $1';
    page text := '';
    source text;
    few boolean := false;
    kind text;
    value text;
BEGIN
    IF mine IS NULL OR numnode(words) = 0 THEN RETURN; END IF;
    IF wanted ->> 'after' IS NOT NULL THEN cond := cond || ' AND l.at >= $2'; END IF;
    IF wanted ->> 'before' IS NOT NULL THEN cond := cond || ' AND l.at < $3'; END IF;
    IF wanted ->> 'outcome' IS NOT NULL THEN cond := cond || ' AND l.outcome = $4'; END IF;
    IF wanted -> 'going_on' = 'true' THEN cond := cond || ' AND l.outcome IS NULL'; END IF;
    IF wanted ->> 'priority' = '1' THEN
        cond := cond || ' AND (l.priority = 1 OR l.priority IS NULL)';
    ELSIF wanted ->> 'priority' IS NOT NULL THEN
        cond := cond || ' AND l.priority = $5';
    END IF;
    IF wanted ->> 'target' IS NOT NULL THEN
        cond := cond || ' AND l.target_ids @> ARRAY[$6]';
    END IF;
    IF wanted ->> 'label' IS NOT NULL THEN cond := cond || ' AND l.labels @> ARRAY[$7]'; END IF;
    IF digits <> '' THEN
        -- After 9 comes the colon.
        cond := cond || ' AND ((l.caller_tail >= $8 AND l.caller_tail < $8 || '':'')'
            || CASE WHEN dids = '{}' THEN ')' ELSE ' OR l.did = ANY($9))' END;
    END IF;
    IF words IS NOT NULL THEN cond := cond || ' AND l.words @@ $10'; END IF;
    -- Few labels and people are in the planner's statistics, so it cannot tell a rare one from one
    -- that half of the calls have; counting some of them can.
    FOR kind, value IN SELECT * FROM (VALUES
        ('target_ids', wanted ->> 'target'), ('labels', wanted ->> 'label')) AS v
    LOOP
        IF value IS NOT NULL AND NOT few THEN
            EXECUTE 'SELECT count(*) < 2000 FROM (SELECT 1 FROM public.call_list '
                'WHERE organisation_id = $1 AND ' || kind || ' @> ARRAY[$2] LIMIT 2000) AS found'
            INTO few USING mine, value;
        END IF;
    END LOOP;
    IF NOT best AND wanted ->> 'cursor_at' IS NOT NULL THEN
        cond := cond || ' AND (l.at, l.call_id) < ($11, $12)';
    END IF;
    source := 'public.call_list AS l WHERE ' || cond;
    IF few THEN
        source := '(SELECT l.call_id, l.at, l.words FROM ' || source || ' OFFSET 0) AS l';
    END IF;
    IF best THEN
        IF wanted ->> 'cursor_rank' IS NOT NULL THEN
            page := ' WHERE (r.rank, r.at, r.call_id) < ($13, $11, $12)';
        END IF;
        RETURN QUERY EXECUTE
            'WITH hits AS MATERIALIZED (SELECT l.call_id, l.at, l.words FROM ' || source
            || ' ORDER BY l.at DESC LIMIT 1000), '
            'r AS (SELECT h.call_id, h.at, ts_rank(h.words, $10)::float8 AS rank FROM hits AS h) '
            'SELECT r.call_id, r.at, r.rank FROM r' || page
            || ' ORDER BY r.rank DESC, r.at DESC, r.call_id DESC LIMIT $14'
        USING mine, (wanted ->> 'after')::timestamptz, (wanted ->> 'before')::timestamptz,
            wanted ->> 'outcome', (wanted ->> 'priority')::smallint, wanted ->> 'target',
            wanted ->> 'label', digits, dids, words, (wanted ->> 'cursor_at')::timestamptz,
            wanted ->> 'cursor_id', (wanted ->> 'cursor_rank')::float8, at_most;
        RETURN;
    END IF;
    RETURN QUERY EXECUTE
        'SELECT l.call_id, l.at, 0::float8 FROM ' || source
        || ' ORDER BY l.at DESC, l.call_id DESC LIMIT $14'
    USING mine, (wanted ->> 'after')::timestamptz, (wanted ->> 'before')::timestamptz,
        wanted ->> 'outcome', (wanted ->> 'priority')::smallint, wanted ->> 'target',
        wanted ->> 'label', digits, dids, words, (wanted ->> 'cursor_at')::timestamptz,
        wanted ->> 'cursor_id', (wanted ->> 'cursor_rank')::float8, at_most;
END $$
"""

# Makes everything anew for the organisation that is set, as `appliance.events.reports` keeps it.
_RECOUNT = r"""
CREATE FUNCTION appliance_recount() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    mine uuid := nullif(current_setting('appliance.organisation_id', true), '')::uuid;
    zone text;
    listed bigint;
BEGIN
    SELECT public.appliance_zone(o.timezone) INTO zone FROM public.organisations AS o
    WHERE o.organisation_id = mine;
    INSERT INTO public.call_list AS l (organisation_id, call_id, at, outcome, priority, did,
        caller_tail, target_ids, labels, words)
    SELECT mine, c.call_id, c.first_event_at, c.outcome, d.priority, coalesce(c.did, ''),
        coalesce(reverse(regexp_replace(c.caller_number, '[^0-9]', '', 'g')), ''),
        coalesce(t.targets, '{}'), coalesce(d.labels, '{}'),
        setweight(to_tsvector('public.appliance_words', coalesce(c.caller_name, '')), 'A')
        || coalesce(s.words, '')
        || setweight(to_tsvector('public.appliance_words', coalesce(t.words, '')), 'B')
    FROM public.calls AS c
    LEFT JOIN (
        SELECT call_id,
            setweight(to_tsvector('public.appliance_words', left(coalesce(string_agg(
                left(text, 10000), ' ' ORDER BY seq) FILTER (WHERE speaker <> 'appliance'), ''),
                200000)), 'B')
            || setweight(to_tsvector('public.appliance_words', left(coalesce(string_agg(
                left(text, 10000), ' ' ORDER BY seq) FILTER (WHERE speaker = 'appliance'), ''),
                200000)), 'D') AS words
        FROM public.turns WHERE organisation_id = mine GROUP BY call_id
    ) AS s ON s.call_id = c.call_id
    LEFT JOIN (
        SELECT call_id, max(array_position(ARRAY['low', 'normal', 'high', 'emergency'], priority)
                            - 1)::smallint AS priority,
            array_agg(DISTINCT left(label, 60)) FILTER (WHERE label <> '') AS labels
        FROM public.decisions LEFT JOIN LATERAL jsonb_array_elements_text(
            CASE jsonb_typeof(decision -> 'labels') WHEN 'array' THEN decision -> 'labels'
            ELSE '[]' END) AS label ON true
        WHERE organisation_id = mine GROUP BY call_id
    ) AS d ON d.call_id = c.call_id
    LEFT JOIN (
        SELECT call_id, array_agg(DISTINCT target_id) FILTER (WHERE target_id <> '') AS targets,
            left(string_agg(words, ' '), 200000) AS words
        FROM (
            SELECT call_id, target_id, NULL AS words FROM public.transfers
            WHERE organisation_id = mine
            UNION ALL
            SELECT call_id, target_id, left(concat_ws(' ', caller_name, text), 10000)
            FROM public.messages WHERE organisation_id = mine
        ) AS meant GROUP BY call_id
    ) AS t ON t.call_id = c.call_id
    WHERE c.organisation_id = mine
    ON CONFLICT (organisation_id, call_id) DO UPDATE SET
        at = excluded.at, outcome = excluded.outcome, priority = excluded.priority,
        did = excluded.did, caller_tail = excluded.caller_tail, target_ids = excluded.target_ids,
        labels = ARRAY(SELECT DISTINCT unnest(l.labels || excluded.labels)),
        words = excluded.words;
    GET DIAGNOSTICS listed = ROW_COUNT;
    INSERT INTO public.labels (organisation_id, label)
    SELECT DISTINCT mine, unnest(labels) FROM public.call_list WHERE organisation_id = mine
    ON CONFLICT DO NOTHING;
    DELETE FROM public.figures WHERE organisation_id = mine;
    INSERT INTO public.figures (organisation_id, grain, measure, at, key, n, total)
    WITH counted AS (
        SELECT started_at AS at, 'began' AS measure, '' AS key, 1 AS n, 0::float8 AS total
        FROM public.calls WHERE organisation_id = mine AND started_at IS NOT NULL
        UNION ALL
        SELECT ended_at, 'ended', left(outcome, 40), 1, coalesce(talked_ms, 0)
        FROM public.calls WHERE organisation_id = mine AND ended_at IS NOT NULL
        UNION ALL
        SELECT ended_at, 'transfers', left(coalesce(mode, 'unknown') || ':' || result, 80), 1,
            coalesce(took_ms, 0)
        FROM public.transfers WHERE organisation_id = mine AND result IS NOT NULL
        UNION ALL
        SELECT hour, 'delay', left(stage, 40) || ':' || bucket, count(*), sum(took)
        FROM (
            SELECT date_trunc('hour', t.at, zone) AS hour, stage, took::float8 AS took,
                public.appliance_delay_bucket(took::float8) AS bucket
            FROM public.turns AS t, jsonb_each(t.delays_ms) AS d (stage, took)
            WHERE t.organisation_id = mine AND jsonb_typeof(took) = 'number'
              AND NOT (t.speaker = 'appliance' AND stage IN ('endpoint', 'transcribe'))
        ) AS delays GROUP BY hour, stage, bucket
        UNION ALL
        SELECT date_trunc('hour', at, zone), 'confidence',
            public.appliance_confidence_bucket(confidence), count(*), sum(confidence)
        FROM public.turns
        WHERE organisation_id = mine AND speaker = 'caller' AND source = 'speech'
        GROUP BY 1, 3
    )
    SELECT mine, grain, measure, begins, key, sum(n), sum(total)
    FROM (
        SELECT grain, measure, date_trunc(grain, at, zone) AS begins,
            CASE measure WHEN 'began' THEN to_char(at AT TIME ZONE zone, 'HH24') ELSE key END
                AS key, n, total
        FROM counted, (VALUES ('hour'), ('day'), ('week')) AS grains (grain)
        UNION ALL
        SELECT 'minute', 'load', date_trunc('minute', at), '', (measure = 'began')::int,
            (measure = 'ended')::int
        FROM counted WHERE measure IN ('began', 'ended')
    ) AS parts
    GROUP BY grain, measure, begins, key ORDER BY grain, measure, begins, key;
    RETURN listed;
END $$
"""

_BACKFILL = """
DO $$
DECLARE
    organisation uuid;
BEGIN
    FOR organisation IN SELECT o.organisation_id FROM organisations AS o LOOP
        PERFORM set_config('appliance.organisation_id', organisation::text, true);
        PERFORM appliance_recount();
    END LOOP;
    PERFORM set_config('appliance.organisation_id', '', true);
END $$
"""


def upgrade() -> None:
    """Make the tables and functions, and fill them."""
    for statement in (*_WORDS, _DELAY_BUCKET, _CONFIDENCE_BUCKET, _ZONE):
        op.execute(statement)
    _make_call_list()
    _make_labels_and_notes()
    _make_figures()
    _protect()
    for function, statement in (
        ("appliance_find_calls(jsonb, int)", _FIND),
        ("appliance_recount()", _RECOUNT),
    ):
        op.execute(statement)
        op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO appliance_app")
    op.execute(_BACKFILL)


def _of_call(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["organisation_id", "call_id"],
        ["calls.organisation_id", "calls.call_id"],
        name=op.f(f"fk_{table}_organisation_id_call_id_calls"),
        ondelete="CASCADE",
    )


def _of_organisation(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["organisation_id"],
        ["organisations.organisation_id"],
        name=op.f(f"fk_{table}_organisation_id_organisations"),
        ondelete="CASCADE",
    )


def _make_call_list() -> None:
    none = sa.text("'{}'")
    op.create_table(
        "call_list",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("priority", sa.SmallInteger(), nullable=True),
        sa.Column("did", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column(
            "caller_tail", sa.Text(collation="C"), server_default=sa.text("''"), nullable=False
        ),
        sa.Column("target_ids", sa.ARRAY(sa.Text()), server_default=none, nullable=False),
        sa.Column("labels", sa.ARRAY(sa.Text()), server_default=none, nullable=False),
        sa.Column("words", postgresql.TSVECTOR(), server_default=sa.text("''"), nullable=False),
        _of_call("call_list"),
        sa.PrimaryKeyConstraint("organisation_id", "call_id", name=op.f("pk_call_list")),
    )
    for name, columns in (
        ("at", ["organisation_id", "at", "call_id"]),
        ("outcome", ["organisation_id", "outcome", "at", "call_id"]),
        ("priority", ["organisation_id", "priority", "at", "call_id"]),
        ("caller_tail", ["organisation_id", "caller_tail"]),
        ("did", ["organisation_id", "did", "at", "call_id"]),
    ):
        op.create_index(f"ix_call_list_{name}", "call_list", columns)
    for name in ("target_ids", "labels"):
        op.create_index(f"ix_call_list_{name}", "call_list", [name], postgresql_using="gin")
    op.create_index(
        "ix_call_list_words", "call_list", ["words"], postgresql_using="gin",
        postgresql_with={"gin_pending_list_limit": 512},
    )  # fmt: skip
    # How common a word is decides between the index of words and the newest calls.
    op.execute("ALTER TABLE call_list ALTER COLUMN words SET STATISTICS 500")


def _make_labels_and_notes() -> None:
    op.create_table(
        "labels",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        _of_organisation("labels"),
        sa.PrimaryKeyConstraint("organisation_id", "label", name=op.f("pk_labels")),
    )
    op.create_table(
        "call_notes",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        _of_call("call_notes"),
        sa.PrimaryKeyConstraint("organisation_id", "call_id", "id", name=op.f("pk_call_notes")),
    )


def _make_figures() -> None:
    op.create_table(
        "figures",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("grain", sa.Text(), nullable=False),
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.Double(), server_default=sa.text("0"), nullable=False),
        _of_organisation("figures"),
        sa.PrimaryKeyConstraint(
            "organisation_id", "grain", "measure", "at", "key", name=op.f("pk_figures")
        ),
    )
    # The rows of now are counted up all the time; room beside them keeps that cheap.
    op.execute("ALTER TABLE figures SET (fillfactor = 70)")


def _protect() -> None:
    for table in _TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY own_organisation ON {table} USING ({_MINE}) WITH CHECK ({_MINE})"
        )
    op.execute("CREATE POLICY found ON call_list FOR SELECT TO CURRENT_USER USING (true)")
    op.execute("GRANT SELECT, INSERT, UPDATE ON call_list, labels, figures TO appliance_app")
    op.execute("GRANT SELECT, INSERT, DELETE ON call_notes TO appliance_app")


def downgrade() -> None:
    """Take it all back."""
    op.execute("DROP FUNCTION appliance_recount()")
    op.execute("DROP FUNCTION appliance_find_calls(jsonb, int)")
    for table in reversed(_TABLES):
        op.drop_table(table)
    op.execute("DROP FUNCTION appliance_zone(text)")
    op.execute("DROP FUNCTION appliance_confidence_bucket(float8)")
    op.execute("DROP FUNCTION appliance_delay_bucket(float8)")
    op.execute("DROP TEXT SEARCH CONFIGURATION appliance_words")
    op.execute("DROP TEXT SEARCH DICTIONARY appliance_stem")
