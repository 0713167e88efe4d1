-- Reads table events of package eventstore.
-- See select_typed_events.sql for the comparisons of two columns. The second position is the largest bigint.
SELECT e.position, e.type, e.payload
FROM unnest($1::text[]) AS w (type)
CROSS JOIN LATERAL (
    SELECT position, type, payload FROM events
    WHERE (type, position) > (w.type, 0) AND (type, position) <= (w.type, 9223372036854775807) AND NOT position = ANY ($2::bigint[])
    ORDER BY type DESC, position DESC LIMIT 1
) e
ORDER BY e.position DESC LIMIT 1
