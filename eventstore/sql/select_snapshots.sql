SELECT w.stream, s.version, s.state
FROM unnest($1::text[], $2::int[]) AS w (stream, format)
CROSS JOIN LATERAL (
    SELECT version, state FROM snapshot
    WHERE stream = w.stream AND format = w.format ORDER BY version DESC LIMIT 1
) s
