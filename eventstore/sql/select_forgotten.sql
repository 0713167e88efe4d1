-- Reads table events of package eventstore.
-- See select_typed_events.sql for the comparisons of two columns. The second position is the largest bigint.
SELECT e.position, e.type, e.payload FROM unnest($1::text[]) AS t (type)
CROSS JOIN LATERAL (
    SELECT position, type, payload FROM events
    WHERE (type, position) > (t.type, $2) AND (type, position) <= (t.type, 9223372036854775807) ORDER BY type, position
) e
ORDER BY e.position
