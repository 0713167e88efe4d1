-- Reads tables credential, events of package eventstore.
-- Password hashes that belong to no user and no live and are older than $2. Servers delete them. $1 is the types of events with a
-- password hash.
SELECT format('row id %s belongs to no user and no live', c.id) FROM credential c
WHERE (c.created_at < $2 OR c.created_at > now() + interval '1 day') AND NOT EXISTS (
    SELECT FROM events WHERE type = ANY ($1) AND payload ->> 'credential' = c.id::text)
ORDER BY c.id LIMIT $3
