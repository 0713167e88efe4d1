-- Writes table credential of package eventstore. Reads table events of package eventstore.
DELETE FROM credential WHERE id IN (
    SELECT CASE WHEN payload ->> 'credential' ~ '^[0-9a-fA-F-]{36}$' THEN (payload ->> 'credential')::uuid END
    FROM events WHERE stream = ANY ($1) AND version = 1)
