-- Reads table events of package eventstore.
SELECT w.position, e.event_id, pg_is_in_recovery() FROM unnest($1::bigint[]) AS w (position) LEFT JOIN events e ON e.position = w.position
