"""One index finds calls by words, labels, people, outcome, priority and day, in any mixture."""

from alembic import op

revision = "0009"
down_revision = "0008"

_REPLACED = {
    "outcome": "(organisation_id, outcome, at, call_id)",
    "priority": "(organisation_id, priority, at, call_id)",
    "target_ids": "USING gin (target_ids)",
    "labels": "USING gin (labels)",
    "words": "USING gin (words) WITH (gin_pending_list_limit = 512)",
}

_DAY = """
CREATE FUNCTION appliance_day(at timestamptz) RETURNS int
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT CASE WHEN isfinite(at)
    THEN floor(extract(epoch FROM at AT TIME ZONE 'UTC') / 86400)::int ELSE 0 END $$
"""
# What a call is found by, beside its words. The day, and the 32 days that it is one of, are its
# organisation's, so that what is common with one is no burden to another. Two facets that read
# alike do no harm: the index says where to look, and the columns are asked too.
_FACETS = """
CREATE FUNCTION appliance_facets(organisation_id uuid, at timestamptz, outcome text,
    priority smallint, target_ids text[], labels text[]) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT ARRAY[organisation_id::text || ' day ' || public.appliance_day(at)::text,
                   organisation_id::text || ' days ' || (public.appliance_day(at) >> 5)::text,
                   'outcome ' || coalesce(outcome, ''),
                   'priority ' || coalesce(priority, 1)::text] || target_ids || labels $$
"""
_INDEX = """
CREATE INDEX ix_call_list_found_by ON call_list USING gin (
    words, appliance_facets(organisation_id, at, outcome, priority, target_ids, labels))
    WITH (gin_pending_list_limit = 512)
"""

# Row-level security keeps the planner from using an index for an operator that is not known to be
# leakproof, and those of text search and arrays are not. So the function reads the table as its
# owner, who has a policy of their own, and names the organisation itself. Statements are made for
# what is asked, so that each has its own plan.
#
# What is sought is the newest that fit. An index of words gives all that fit, however old and many,
# so it is asked for one day, then for some before, and so on, until there are enough: the index
# intersects words and days by itself, and a search costs as much as it shows, not as much as there
# is.
#
# The index holds neither phrases nor what a word is not in: calls that might fit are looked at one
# by one, 10,000 of them at once, and for the best the newest 1,000 that fit are ranked. Where that
# leaves any out, a row of rank -1 is the last call that was looked at: the first row for the best,
# else the last one, from which the next page goes on.
_FIND = r"""
CREATE FUNCTION appliance_find_calls(wanted jsonb, at_most int)
RETURNS TABLE (call_id text, at timestamptz, rank float8)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET work_mem = '32MB'
AS $$
DECLARE
    mine uuid := nullif(current_setting('appliance.organisation_id', true), '')::uuid;
    words tsquery := CASE WHEN wanted ->> 'words' <> ''
        THEN websearch_to_tsquery('public.appliance_words', wanted ->> 'words') END;
    maybe tsquery := nullif(nullif(regexp_replace(
        querytree(words), ' <(->|\d+>) ', ' & ', 'g'), 'T'), '');
    exact boolean := maybe IS NOT DISTINCT FROM words;
    best boolean := words IS NOT NULL AND coalesce(wanted ->> 'sort', '') = 'best';
    most int := CASE WHEN best THEN 1000 ELSE at_most END;
    digits text := nullif(reverse(wanted ->> 'digits'), '');
    dids text[] := ARRAY(SELECT jsonb_array_elements_text(coalesce(wanted -> 'dids', '[]')));
    facets text[] := array_remove(ARRAY[
        'outcome ' || CASE WHEN wanted -> 'going_on' = 'true' THEN '' ELSE wanted ->> 'outcome' END,
        'priority ' || (wanted ->> 'priority'), wanted ->> 'target', wanted ->> 'label'], NULL);
    by_days boolean := maybe IS NOT NULL OR facets <> '{}';
    facets_of text := 'public.appliance_facets('
        'l.organisation_id, l.at, l.outcome, l.priority, l.target_ids, l.labels)';
    in_time text := concat_ws(' AND ',
        'l.organisation_id = ' || quote_literal(mine),
        'l.at >= ' || quote_literal(wanted ->> 'after'),
        'l.at < ' || quote_literal(wanted ->> 'before'),
        CASE WHEN NOT best THEN '(l.at, l.call_id) < (' || quote_literal(wanted ->> 'cursor_at')
            || ', ' || quote_literal(wanted ->> 'cursor_id') || ')' END);
    fits text := concat_ws(' AND ',
        'l.organisation_id = ' || quote_literal(mine),
        'l.outcome = ' || quote_literal(wanted ->> 'outcome'),
        CASE WHEN wanted -> 'going_on' = 'true' THEN 'l.outcome IS NULL' END,
        'coalesce(l.priority, 1::smallint) = ' || quote_literal(wanted ->> 'priority'),
        quote_literal(wanted ->> 'target') || ' = ANY (l.target_ids)',
        quote_literal(wanted ->> 'label') || ' = ANY (l.labels)',
        -- After 9 comes the colon.
        '(l.caller_tail >= ' || quote_literal(digits) || ' AND l.caller_tail < '
            || quote_literal(digits || ':')
            || CASE WHEN dids = '{}' THEN ')'
                    ELSE ' OR l.did = ANY (' || quote_literal(dids) || '))' END,
        'l.words @@ ' || quote_literal(maybe) || '::tsquery',
        facets_of || ' @> ' || quote_literal(nullif(facets, '{}')));
    day int;
    first_day int;
    since_day int;
    days text[];
    span int := 1;
    walked int := 0;
    done float8;
    hit record;
    looked int := 0;
    found int := 0;
    ids text[] := '{}';
    times timestamptz[] := '{}';
    ranks float8[] := '{}';
BEGIN
    IF mine IS NULL OR numnode(words) = 0 THEN RETURN; END IF;
    EXECUTE 'SELECT public.appliance_day(max(l.at)), public.appliance_day(min(l.at)) '
        'FROM public.call_list AS l WHERE ' || in_time INTO day, first_day;
    <<walk>> WHILE day >= first_day LOOP
        IF by_days AND span >= 32 AND day & 31 = 31 THEN
            since_day := greatest(day - span + 1, first_day) & ~31;
            days := ARRAY(SELECT mine::text || ' days ' || n
                          FROM generate_series(since_day >> 5, day >> 5) AS n);
        ELSIF by_days THEN
            since_day := greatest(day - span + 1, day & ~31, first_day);
            days := ARRAY(SELECT mine::text || ' day ' || n
                          FROM generate_series(since_day, day) AS n);
        ELSE
            since_day := first_day;
        END IF;
        FOR hit IN EXECUTE
            'SELECT h.call_id, h.at, CASE WHEN ' || CASE WHEN exact THEN 'true'
                ELSE 'h.words @@ $1' END || ' THEN ' || CASE WHEN best THEN 'ts_rank(h.words, $1)'
                ELSE '0' END || '::float8 END AS rank '
            'FROM (SELECT * FROM (SELECT * FROM public.call_list AS l WHERE ' || fits
            -- Apart, so that other indexes, of all days, are no part of the plan.
            || CASE WHEN by_days THEN ' AND ' || facets_of || ' && $2 OFFSET 0' ELSE '' END
            || ') AS l WHERE ' || in_time || ' ORDER BY l.at DESC, l.call_id DESC LIMIT $3) AS h'
        USING words, days, CASE WHEN exact THEN most - found ELSE 10000 - looked END
                           + CASE WHEN best OR NOT exact THEN 1 ELSE 0 END
        LOOP
            IF (looked = 10000 AND NOT exact) OR (found = 1000 AND best) THEN
                rank := -1;
                RETURN NEXT;
                EXIT walk;
            END IF;
            looked := looked + 1;
            call_id := hit.call_id;
            at := hit.at;
            rank := hit.rank;
            CONTINUE WHEN rank IS NULL;
            found := found + 1;
            IF best THEN
                ids := ids || call_id;
                times := times || at;
                ranks := ranks || rank;
            ELSE
                RETURN NEXT;
                EXIT walk WHEN found = most;
            END IF;
        END LOOP;
        walked := walked + day - since_day + 1;
        done := greatest(found::float8 / most, CASE WHEN exact THEN 0 ELSE looked / 1e4 END);
        -- As many more days as it will take, if there are as many in each as so far.
        span := greatest(1, least(8 * span, ceil(1.3 * walked * (1 - done) / nullif(done, 0))));
        day := since_day - 1;
    END LOOP;
    RETURN QUERY SELECT r.call_id, r.at, r.rank FROM unnest(ids, times, ranks)
        AS r (call_id, at, rank)
    WHERE wanted ->> 'cursor_rank' IS NULL OR (r.rank, r.at, r.call_id)
        < ((wanted ->> 'cursor_rank')::float8, (wanted ->> 'cursor_at')::timestamptz,
           wanted ->> 'cursor_id')
    ORDER BY r.rank DESC, r.at DESC, r.call_id DESC LIMIT at_most;
END $$
"""


def upgrade() -> None:
    """One index for five, and the function that uses it."""
    for name in _REPLACED:
        op.execute(f"DROP INDEX ix_call_list_{name}")
    op.execute(_DAY)
    op.execute(_FACETS)
    op.execute(_INDEX)
    _replace_find(_FIND)


def downgrade() -> None:
    """The five of before."""
    environment = op.get_context().environment_context
    assert environment is not None  # alembic runs us
    before = environment.script.get_revision("0007")
    _replace_find(before.module._FIND)
    op.execute("DROP INDEX ix_call_list_found_by")
    op.execute("DROP FUNCTION appliance_facets(uuid, timestamptz, text, smallint, text[], text[])")
    op.execute("DROP FUNCTION appliance_day(timestamptz)")
    for name, definition in _REPLACED.items():
        op.execute(f"CREATE INDEX ix_call_list_{name} ON call_list {definition}")


def _replace_find(statement: str) -> None:
    op.execute("DROP FUNCTION appliance_find_calls(jsonb, int)")
    op.execute(statement)
    op.execute("REVOKE ALL ON FUNCTION appliance_find_calls(jsonb, int) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION appliance_find_calls(jsonb, int) TO appliance_app")
