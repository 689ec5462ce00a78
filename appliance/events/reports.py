"""From events to lists, search and figures, in SQL: more of the statement in ``projection``.

Each piece reads ``fresh``, the events that are new, as those of ``projection`` do. What is counted
is counted once, because an event is new once. ``appliance_recount()`` in the migrations makes the
same from the tables of calls; keep them alike.
"""

# Text is cut so that no call, however long, outgrows what PostgreSQL can index.
SAID = """
    SELECT organisation_id, call_id, seq, at, kind, data,
           CASE kind
               WHEN 'call_started' THEN data ->> 'caller_name'
               WHEN 'turn_taken' THEN left(data ->> 'text', 10000)
               WHEN 'message_taken' THEN
                   left(concat_ws(' ', data ->> 'caller_name', data ->> 'text'), 10000)
           END AS text,
           CASE WHEN kind = 'call_started' THEN 'A'
                WHEN data ->> 'speaker' = 'appliance' THEN 'D' ELSE 'B' END AS weight
    FROM fresh
    WHERE kind IN ('call_started', 'turn_taken', 'decision_made', 'transfer_started',
                   'message_taken', 'call_ended')
"""

LABELLED = """
    SELECT DISTINCT organisation_id, call_id, left(label, 60) AS label
    FROM fresh, jsonb_array_elements_text(
        CASE jsonb_typeof(data -> 'decision' -> 'labels')
            WHEN 'array' THEN data -> 'decision' -> 'labels' ELSE '[]' END) AS label
    WHERE kind = 'decision_made' AND label <> ''
"""

LABELS = """
    INSERT INTO labels (organisation_id, label)
    SELECT DISTINCT organisation_id, label FROM labelled ORDER BY label
    ON CONFLICT DO NOTHING
"""

LISTINGS = """
    INSERT INTO call_list AS c (
        organisation_id, call_id, at, outcome, priority, did, caller_tail, target_ids, labels,
        words)
    SELECT organisation_id, call_id, min(at),
           min(data ->> 'outcome') FILTER (WHERE kind = 'call_ended'),
           max(array_position(ARRAY['low', 'normal', 'high', 'emergency'],
                              data -> 'decision' ->> 'priority') - 1)::smallint,
           coalesce(min(data ->> 'did') FILTER (WHERE kind = 'call_started'), ''),
           coalesce(min(reverse(regexp_replace(data ->> 'caller_number', '[^0-9]', '', 'g')))
               FILTER (WHERE kind = 'call_started'), ''),
           coalesce(array_agg(DISTINCT data ->> 'target_id') FILTER (
               WHERE kind IN ('transfer_started', 'message_taken')
               AND data ->> 'target_id' <> ''), '{}'),
           ARRAY(SELECT label FROM labelled AS l
                 WHERE l.organisation_id = said.organisation_id AND l.call_id = said.call_id),
           setweight(to_tsvector('public.appliance_words', left(coalesce(string_agg(
               text, ' ' ORDER BY seq) FILTER (WHERE weight = 'A'), ''), 200000)), 'A')
           || setweight(to_tsvector('public.appliance_words', left(coalesce(string_agg(
               text, ' ' ORDER BY seq) FILTER (WHERE weight = 'B'), ''), 200000)), 'B')
           || setweight(to_tsvector('public.appliance_words', left(coalesce(string_agg(
               text, ' ' ORDER BY seq) FILTER (WHERE weight = 'D'), ''), 200000)), 'D')
    FROM said GROUP BY organisation_id, call_id ORDER BY call_id
    ON CONFLICT (organisation_id, call_id) DO UPDATE SET
        at = least(c.at, excluded.at),
        outcome = coalesce(c.outcome, excluded.outcome),
        priority = greatest(c.priority, excluded.priority),
        did = CASE WHEN c.did = '' THEN excluded.did ELSE c.did END,
        caller_tail = CASE WHEN c.caller_tail = '' THEN excluded.caller_tail
                           ELSE c.caller_tail END,
        target_ids = ARRAY(SELECT DISTINCT unnest(c.target_ids || excluded.target_ids)),
        labels = ARRAY(SELECT DISTINCT unnest(c.labels || excluded.labels)),
        words = CASE WHEN length(c.words) > 10000 THEN c.words ELSE c.words || excluded.words END
"""

# An answer repeats how long hearing took, which was counted with the caller's turn already.
# A transfer's end does not say of which mode it was; its beginning may be here or stored before.
COUNTED = """
    SELECT at, 'began' AS measure, '' AS key, 0::float8 AS total
    FROM fresh WHERE kind = 'call_started'
    UNION ALL
    SELECT at, 'ended', left(data ->> 'outcome', 40), coalesce((data ->> 'talked_ms')::float8, 0)
    FROM fresh WHERE kind = 'call_ended'
    UNION ALL
    SELECT e.at, 'transfers',
           left(coalesce(s.data ->> 'mode', t.mode, 'unknown') || ':'
                || (e.data ->> 'result'), 80),
           coalesce((e.data ->> 'took_ms')::float8, 0)
    FROM fresh AS e
    LEFT JOIN fresh AS s ON s.kind = 'transfer_started' AND s.call_id = e.call_id
        AND s.data ->> 'transfer' = e.data ->> 'transfer'
    LEFT JOIN transfers AS t ON t.organisation_id = e.organisation_id AND t.call_id = e.call_id
        AND t.transfer = (e.data ->> 'transfer')::int
    WHERE e.kind = 'transfer_ended'
    UNION ALL
    SELECT at, 'ring', appliance_delay_bucket((data ->> 'took_ms')::float8)::text,
           (data ->> 'took_ms')::float8
    FROM fresh
    WHERE kind = 'transfer_ended' AND data ->> 'result' = 'connected'
      AND jsonb_typeof(data -> 'took_ms') = 'number'
    UNION ALL
    SELECT at, 'delay', left(stage, 40) || ':' || appliance_delay_bucket(took::float8),
           took::float8
    FROM fresh, jsonb_each(CASE jsonb_typeof(data -> 'delays_ms')
                           WHEN 'object' THEN data -> 'delays_ms' ELSE '{}' END) AS d (stage, took)
    WHERE kind = 'turn_taken' AND jsonb_typeof(took) = 'number'
      AND NOT (data ->> 'speaker' = 'appliance' AND stage IN ('endpoint', 'transcribe'))
    UNION ALL
    SELECT at, 'confidence', appliance_confidence_bucket((data ->> 'confidence')::float8),
           (data ->> 'confidence')::float8
    FROM fresh
    WHERE kind = 'turn_taken' AND data ->> 'speaker' = 'caller' AND data ->> 'source' = 'speech'
      AND jsonb_typeof(data -> 'confidence') = 'number'
"""

# In one order, so that two controllers that count at once wait for each other and never in a ring.
FIGURES = """
    INSERT INTO figures AS f (organisation_id, grain, measure, at, key, n, total)
    SELECT %(organisation)s::uuid, grain, measure, begins, key, sum(n), sum(total)
    FROM (
        SELECT grain, measure, date_trunc(grain, at, zone) AS begins,
               CASE measure WHEN 'began' THEN to_char(at AT TIME ZONE zone, 'HH24') ELSE key END
                   AS key, 1 AS n, total
        FROM counted,
             (SELECT appliance_zone(timezone) AS zone FROM organisations
              WHERE organisation_id = %(organisation)s::uuid) AS place,
             (VALUES ('hour'), ('day'), ('week')) AS grains (grain)
        UNION ALL
        SELECT 'minute', 'load', date_trunc('minute', at), '', (measure = 'began')::int,
               (measure = 'ended')::int
        FROM counted WHERE measure IN ('began', 'ended')
    ) AS parts
    GROUP BY grain, measure, begins, key ORDER BY grain, measure, begins, key
    ON CONFLICT (organisation_id, grain, measure, at, key) DO UPDATE SET
        n = f.n + excluded.n, total = f.total + excluded.total
"""

PIECES = {
    "labelled": LABELLED,
    "of_labels": LABELS,
    "said": SAID,
    "of_call_list": LISTINGS,
    "counted": COUNTED,
    "of_figures": FIGURES,
}
