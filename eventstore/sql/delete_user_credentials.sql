-- Writes table credential of package eventstore. Reads table events of package eventstore.
-- Deletes the password hashes of the users whose streams are $1 and whose ids are $2, and of their lives. $3 are the types of the
-- creation of a live, $4 those of a change of its access. LATERAL makes each type a search of its own, which an index answers.
DELETE FROM credential WHERE id IN (
    SELECT CASE WHEN e.payload ->> 'credential' ~ '^[0-9a-fA-F-]{36}$' THEN (e.payload ->> 'credential')::uuid END
    FROM (
        SELECT payload FROM events WHERE stream = ANY ($1) AND version = 1
        UNION ALL
        SELECT a.payload FROM unnest($3::text[]) AS creation (type)
        CROSS JOIN LATERAL (SELECT live_id FROM events WHERE type = creation.type AND (payload ->> 'streamer')::bigint = ANY ($2) OFFSET 0) c
        CROSS JOIN unnest($4::text[]) AS access (type)
        CROSS JOIN LATERAL (SELECT payload FROM events WHERE live_id = c.live_id AND type = access.type OFFSET 0) a
    ) e)
