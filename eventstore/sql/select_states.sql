-- Reads tables events, snapshot of package eventstore.
SELECT w.stream, e.position, e.version, e.type, e.payload, e.event_id, e.checksum, e.recorded_at
FROM unnest($1::text[], $2::int[]) AS w (stream, format)
LEFT JOIN LATERAL (
    SELECT version, state, checksum FROM snapshot
    WHERE stream = w.stream AND format = w.format ORDER BY version DESC LIMIT 1
) s ON true
CROSS JOIN LATERAL (
    SELECT 0 AS position, s.version, '' AS type, s.state AS payload,
        coalesce((SELECT event_id FROM events WHERE stream = w.stream AND version = s.version), '00000000-0000-0000-0000-000000000000') AS event_id,
        s.checksum, 'epoch'::timestamptz AS recorded_at
    WHERE s.version IS NOT NULL
    UNION ALL
    (SELECT position, version, type, payload, event_id, NULL, recorded_at FROM events
     WHERE stream = w.stream AND version > coalesce(s.version, 0) ORDER BY version)
) e
