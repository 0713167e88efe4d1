SELECT e.stream, e.version, e.type, e.payload
FROM unnest($1::text[], $2::int[]) AS w (stream, format)
CROSS JOIN LATERAL (
    SELECT stream, version, type, payload FROM events
    WHERE stream = w.stream AND version > coalesce((
        SELECT version FROM snapshot
        WHERE stream = w.stream AND format = w.format ORDER BY version DESC LIMIT 1), 0)
    ORDER BY version
) e
