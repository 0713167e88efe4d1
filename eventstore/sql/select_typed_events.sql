-- Reads table events of package eventstore.
SELECT e.* FROM unnest($4::text[]) AS t (type)
CROSS JOIN LATERAL (
    SELECT position, stream, version, event_id, type, payload, metadata, live_id, recorded_at
    FROM events WHERE type = t.type AND position > $1 AND position <= $2 ORDER BY position LIMIT $3
) e
ORDER BY e.position LIMIT $3
