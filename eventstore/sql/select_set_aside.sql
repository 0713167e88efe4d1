-- Reads table events of package eventstore.
SELECT position, type, payload FROM events WHERE type = ANY($1::text[]) ORDER BY position
