-- Reads table events of package eventstore.
SELECT w.stream, e.version
FROM unnest($1::text[]) AS w (stream)
CROSS JOIN LATERAL (SELECT version FROM events WHERE stream = w.stream ORDER BY version DESC LIMIT 1) e
