-- Reads tables events, snapshot of package eventstore.
SELECT w.stream, e.position, e.version, e.type, e.payload
FROM unnest($1::text[], $2::int[]) AS w (stream, format)
LEFT JOIN LATERAL (
    SELECT version, state FROM snapshot
    WHERE stream = w.stream AND format = w.format ORDER BY version DESC LIMIT 1
) s ON true
CROSS JOIN LATERAL (
    SELECT 0 AS position, s.version, '' AS type, s.state AS payload WHERE s.version IS NOT NULL
    UNION ALL
    (SELECT position, version, type, payload FROM events
     WHERE stream = w.stream AND version > coalesce(s.version, 0) ORDER BY version)
) e
