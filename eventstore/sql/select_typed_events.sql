-- Reads table events of package eventstore.
-- The comparisons of (type, position) make PostgreSQL use the index of these two columns, because no other index has this order.
-- With type = t.type, a plan could read the events of all types in the order of the primary key.
SELECT e.* FROM unnest($4::text[]) AS t (type)
CROSS JOIN LATERAL (
    SELECT position, stream, version, event_id, type, payload, metadata, live_id, recorded_at
    FROM events WHERE (type, position) > (t.type, $1) AND (type, position) <= (t.type, $2) ORDER BY type, position LIMIT $3
) e
ORDER BY e.position LIMIT $3
