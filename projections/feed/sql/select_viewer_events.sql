-- Reads table events of package eventstore and table viewer of package projections.
-- Returns the events of some types that the present viewers of a live have caused since they joined.
SELECT e.position, e.stream, e.version, e.event_id, e.type, e.payload, e.recorded_at
FROM events e
JOIN viewer v ON v.live_id = $1 AND v.user_id = (e.payload ->> 'user')::bigint AND v.present AND v.joined_position < e.position
WHERE e.type = ANY ($2) AND e.position > $3 AND e.position <= $4
ORDER BY e.position LIMIT $5
