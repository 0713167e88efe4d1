-- Reads table events of package eventstore and table viewer of package projections.
-- Returns the events of some types that the present viewers of a live have caused since they joined. It searches at most $6 events of
-- each type. See select_typed_events.sql of package eventstore for the comparisons of two columns.
SELECT e.position, e.stream, e.version, e.event_id, e.type, e.payload, e.recorded_at
FROM unnest($2::text[]) AS t (type)
CROSS JOIN LATERAL (
    SELECT position, stream, version, event_id, type, payload, recorded_at
    FROM events WHERE (type, position) > (t.type, $3) AND (type, position) <= (t.type, $4) ORDER BY type, position LIMIT $6
) e
JOIN viewer v ON v.live_id = $1 AND v.user_id = (e.payload ->> 'user')::bigint AND v.present AND v.joined_position < e.position
ORDER BY e.position LIMIT $5
