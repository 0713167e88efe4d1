-- Reads table events of package eventstore.
-- Returns whether the log contains more than $4 events of one of some types. See select_typed_events.sql of package eventstore for
-- the comparisons of two columns.
SELECT EXISTS (
    SELECT FROM unnest($1::text[]) AS t (type)
    CROSS JOIN LATERAL (
        SELECT FROM events WHERE (type, position) > (t.type, $2) AND (type, position) <= (t.type, $3) ORDER BY type, position OFFSET $4 LIMIT 1
    ) e
)
