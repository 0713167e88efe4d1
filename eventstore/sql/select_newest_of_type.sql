-- Reads table events of package eventstore.
SELECT e.position, e.type, e.payload
FROM unnest($1::text[]) AS w (type)
CROSS JOIN LATERAL (SELECT position, type, payload FROM events WHERE type = w.type AND NOT position = ANY ($2::bigint[]) ORDER BY position DESC LIMIT 1) e
ORDER BY e.position DESC LIMIT 1
