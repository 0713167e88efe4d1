-- Reads table events of package eventstore and table viewer of package projections.
-- Returns the newest event of some types that each present viewer of a live has caused since the viewer joined, oldest first. It
-- searches at most $6 events of each type. See select_typed_events.sql of package eventstore for the comparisons of two columns.
SELECT position, stream, version, event_id, type, payload, recorded_at
FROM (
    SELECT DISTINCT ON (v.user_id) e.*
    FROM unnest($2::text[]) AS t (type)
    CROSS JOIN LATERAL (
        SELECT position, stream, version, event_id, type, payload, recorded_at
        FROM events WHERE (type, position) > (t.type, $3) AND (type, position) <= (t.type, $4) ORDER BY type, position LIMIT $6
    ) e
    JOIN viewer v ON v.live_id = $1 AND v.user_id = (e.payload ->> 'user')::bigint AND v.present AND v.joined_position < e.position
    ORDER BY v.user_id, e.position DESC
) newest
ORDER BY position LIMIT $5
