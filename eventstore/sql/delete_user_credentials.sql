-- Writes table credential of package eventstore. Reads table events of package eventstore.
-- Deletes the password hashes of the users whose streams are $1 and whose ids are $2, and of their lives. $3 are the types of the
-- creation of a live, $4 those of a change of its access.
DELETE FROM credential WHERE id IN (
    SELECT CASE WHEN e.payload ->> 'credential' ~ '^[0-9a-fA-F-]{36}$' THEN (e.payload ->> 'credential')::uuid END
    FROM (
        SELECT payload FROM events WHERE stream = ANY ($1) AND version = 1
        UNION ALL
        SELECT a.payload FROM events c
        JOIN events a ON a.live_id = c.live_id AND a.type = ANY ($4)
        WHERE c.type = ANY ($3) AND (c.payload ->> 'streamer')::bigint = ANY ($2)
    ) e)
