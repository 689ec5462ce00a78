"""From events to records, in SQL: one statement stores a batch and everything derived from it.

The statement reads the events of one organisation from their lines and adds those that are new.
Only these reach the projections, so an event that is shipped twice counts once. Events of one call
may come in any order and through several controllers: columns of a row are filled by the event they
belong to, whichever comes first.
"""

from appliance.events import reports

# What has been confirmed is deleted from the spool, so it must be on the server's disk by then.
PREPARE = """
SELECT set_config('appliance.organisation_id', %(organisation)s, true),
       CASE current_setting('synchronous_commit') WHEN 'off'
            THEN set_config('synchronous_commit', 'on', true) END
"""
"""Parameter ``organisation``: UUID as text, for row-level security. Goes before `STORE`."""

# Without OFFSET a line would be parsed anew for every column.
_FRESH = """
    INSERT INTO events (event_id, organisation_id, call_id, seq, at, kind, data)
    SELECT (event ->> 'event_id')::uuid, (event ->> 'organisation_id')::uuid, event ->> 'call_id',
           (event ->> 'seq')::int, (event ->> 'at')::timestamptz, event ->> 'kind', event -> 'data'
    FROM (SELECT line::jsonb AS event
          FROM string_to_table(convert_from(%(lines)b, 'UTF8'), e'\n') AS line OFFSET 0) AS arriving
    ON CONFLICT (event_id) DO NOTHING
    RETURNING *
"""

_CALLS = """
    INSERT INTO calls AS c (
        organisation_id, call_id, first_event_at, last_event_at, last_seq,
        started_at, did, caller_number, caller_name, sample_rate_hz,
        controller, controller_seq, times_resumed, ended_at, outcome, cause, how, talked_ms)
    SELECT organisation_id, call_id, min(at), max(at), max(seq),
           min(at) FILTER (WHERE kind = 'call_started'),
           min(data ->> 'did') FILTER (WHERE kind = 'call_started'),
           min(data ->> 'caller_number') FILTER (WHERE kind = 'call_started'),
           min(data ->> 'caller_name') FILTER (WHERE kind = 'call_started'),
           min((data ->> 'sample_rate_hz')::int) FILTER (WHERE kind = 'call_started'),
           (array_agg(data ->> 'controller' ORDER BY seq DESC)
               FILTER (WHERE kind IN ('call_started', 'call_resumed')))[1],
           coalesce(max(seq) FILTER (WHERE kind IN ('call_started', 'call_resumed')), 0),
           count(*) FILTER (WHERE kind = 'call_resumed'),
           min(at) FILTER (WHERE kind = 'call_ended'),
           min(data ->> 'outcome') FILTER (WHERE kind = 'call_ended'),
           min(data ->> 'cause') FILTER (WHERE kind = 'call_ended'),
           min(data ->> 'how') FILTER (WHERE kind = 'call_ended'),
           min((data ->> 'talked_ms')::int) FILTER (WHERE kind = 'call_ended')
    FROM fresh GROUP BY organisation_id, call_id ORDER BY call_id
    ON CONFLICT (organisation_id, call_id) DO UPDATE SET
        first_event_at = least(c.first_event_at, excluded.first_event_at),
        last_event_at = greatest(c.last_event_at, excluded.last_event_at),
        last_seq = greatest(c.last_seq, excluded.last_seq),
        started_at = coalesce(c.started_at, excluded.started_at),
        did = coalesce(c.did, excluded.did),
        caller_number = coalesce(c.caller_number, excluded.caller_number),
        caller_name = coalesce(c.caller_name, excluded.caller_name),
        sample_rate_hz = coalesce(c.sample_rate_hz, excluded.sample_rate_hz),
        controller = CASE WHEN excluded.controller_seq > c.controller_seq
                          THEN excluded.controller ELSE c.controller END,
        controller_seq = greatest(c.controller_seq, excluded.controller_seq),
        times_resumed = c.times_resumed + excluded.times_resumed,
        ended_at = coalesce(c.ended_at, excluded.ended_at),
        outcome = coalesce(c.outcome, excluded.outcome),
        cause = coalesce(c.cause, excluded.cause),
        how = coalesce(c.how, excluded.how),
        talked_ms = coalesce(c.talked_ms, excluded.talked_ms)
"""

_LEGS = """
    INSERT INTO legs AS l (
        organisation_id, call_id, leg_id, role, extension, transfer, started_at, ended_at, cause)
    SELECT organisation_id, call_id, leg_id, min(role), coalesce(max(extension), ''),
           max(transfer), min(started_at), max(ended_at), max(cause)
    FROM (
        SELECT organisation_id, call_id, call_id AS leg_id, 'caller' AS role, NULL AS extension,
               NULL::int AS transfer, at AS started_at, NULL::timestamptz AS ended_at,
               NULL AS cause
        FROM fresh WHERE kind = 'call_started'
        UNION ALL
        SELECT organisation_id, call_id, data ->> 'leg_id', 'desk', NULL,
               (data ->> 'transfer')::int, at, NULL, NULL
        FROM fresh WHERE kind = 'transfer_started'
        UNION ALL
        SELECT organisation_id, call_id, data ->> 'leg_id', data ->> 'role', data ->> 'extension',
               NULL, NULL, at, data ->> 'cause'
        FROM fresh WHERE kind = 'leg_ended'
    ) AS parts GROUP BY organisation_id, call_id, leg_id ORDER BY call_id, leg_id
    ON CONFLICT (organisation_id, call_id, leg_id) DO UPDATE SET
        extension = CASE WHEN l.extension = '' THEN excluded.extension ELSE l.extension END,
        transfer = coalesce(l.transfer, excluded.transfer),
        started_at = coalesce(l.started_at, excluded.started_at),
        ended_at = coalesce(l.ended_at, excluded.ended_at),
        cause = coalesce(l.cause, excluded.cause)
"""

_TURNS = """
    INSERT INTO turns (organisation_id, call_id, event_id, seq, at, turn, speaker, text, source,
                       part, started_ms, ended_ms, confidence, interrupted, delays_ms, model)
    SELECT organisation_id, call_id, event_id, seq, at, (data ->> 'turn')::int,
           data ->> 'speaker', data ->> 'text', data ->> 'source',
           coalesce((data ->> 'part')::int, 1),
           (data ->> 'started_ms')::int, (data ->> 'ended_ms')::int,
           coalesce((data ->> 'confidence')::float8, 0), (data ->> 'interrupted')::boolean,
           data -> 'delays_ms', data ->> 'model'
    FROM fresh WHERE kind = 'turn_taken'
"""

# Before recordings had an event of their own the first event of a call named it: what waits in a
# spool while the appliance is upgraded does so still.
_RECORDINGS = """
    INSERT INTO recordings (organisation_id, call_id, event_id, seq, at, part, path)
    SELECT organisation_id, call_id, event_id, seq, at, coalesce((data ->> 'part')::int, 1),
           coalesce(data ->> 'path', data ->> 'recording')
    FROM fresh WHERE kind = 'recording_started'
        OR kind = 'call_started' AND data ->> 'recording' <> ''
"""

_DECISIONS = """
    INSERT INTO decisions (organisation_id, call_id, event_id, seq, at, turn, heard, intent,
                           action, target_id, priority, confidence, took_ms, model,
                           directory_version, decision)
    SELECT organisation_id, call_id, event_id, seq, at, (data ->> 'turn')::int, d ->> 'heard',
           d ->> 'intent', d ->> 'action', d ->> 'target_id', d ->> 'priority',
           coalesce((d ->> 'confidence')::float8, 0), coalesce((d ->> 'took_ms')::float8, 0),
           d ->> 'model', d ->> 'directory_version', d
    FROM (SELECT *, data -> 'decision' AS d FROM fresh WHERE kind = 'decision_made') AS made
"""

_TRANSFERS = """
    INSERT INTO transfers AS t (
        organisation_id, call_id, transfer, seq, target_id, target_name, extensions, mode, leg_id,
        announcement, started_at, ended_at, result, cause, took_ms)
    SELECT organisation_id, call_id, transfer, min(seq), min(data ->> 'target_id'),
           min(data ->> 'target_name'),
           min(ARRAY(SELECT jsonb_array_elements_text(data -> 'extensions')))
               FILTER (WHERE started),
           min(data ->> 'mode'), min(data ->> 'leg_id'), min(data ->> 'announcement'),
           min(at) FILTER (WHERE started), min(at) FILTER (WHERE NOT started),
           min(data ->> 'result'), min(data ->> 'cause'), min((data ->> 'took_ms')::int)
    FROM (SELECT *, kind = 'transfer_started' AS started, (data ->> 'transfer')::int AS transfer
          FROM fresh WHERE kind IN ('transfer_started', 'transfer_ended')) AS parts
    GROUP BY organisation_id, call_id, transfer ORDER BY call_id, transfer
    ON CONFLICT (organisation_id, call_id, transfer) DO UPDATE SET
        seq = least(t.seq, excluded.seq),
        target_id = coalesce(t.target_id, excluded.target_id),
        target_name = coalesce(t.target_name, excluded.target_name),
        extensions = coalesce(t.extensions, excluded.extensions),
        mode = coalesce(t.mode, excluded.mode),
        leg_id = coalesce(t.leg_id, excluded.leg_id),
        announcement = coalesce(t.announcement, excluded.announcement),
        started_at = coalesce(t.started_at, excluded.started_at),
        ended_at = coalesce(t.ended_at, excluded.ended_at),
        result = coalesce(t.result, excluded.result),
        cause = coalesce(t.cause, excluded.cause),
        took_ms = coalesce(t.took_ms, excluded.took_ms)
"""

_MESSAGES = """
    INSERT INTO messages (organisation_id, call_id, event_id, seq, at, target_id, target_name,
                          caller_name, callback_number, text, urgent)
    SELECT organisation_id, call_id, event_id, seq, at, data ->> 'target_id',
           data ->> 'target_name', data ->> 'caller_name', data ->> 'callback_number',
           data ->> 'text', (data ->> 'urgent')::boolean
    FROM fresh WHERE kind = 'message_taken'
"""

_PROJECTIONS = {
    "of_calls": _CALLS,
    "of_legs": _LEGS,
    "of_turns": _TURNS,
    "of_recordings": _RECORDINGS,
    "of_decisions": _DECISIONS,
    "of_transfers": _TRANSFERS,
    "of_messages": _MESSAGES,
    **reports.PIECES,
}

STORE = (
    f"WITH fresh AS ({_FRESH}),\n"
    + ",\n".join(f"{name} AS ({insert})" for name, insert in _PROJECTIONS.items())
    + "\nSELECT count(*) FROM fresh"
)
"""Parameter ``lines``: events of the prepared organisation, as bytes. Gives how many were new."""
