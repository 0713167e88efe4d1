-- Reads table events of package eventstore.
SELECT e.position, e.stream, e.version, e.event_id, e.type, e.payload, e.recorded_at
FROM unnest($1::text[]) AS w (stream)
CROSS JOIN LATERAL (SELECT * FROM events WHERE stream = w.stream ORDER BY version DESC LIMIT $4) e
WHERE e.position > $2 AND e.position <= $3
ORDER BY e.position DESC LIMIT $4
