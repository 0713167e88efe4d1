-- Reads tables command, events of package eventstore.
-- Rows that do not agree with the events they name. $1 is the newest position, $2 the types of events that only commands about
-- coins cause. The events of a command have consecutive positions, which end at the position of its row.
SELECT format('row actor %s, key %s: %s', actor, key, fault) FROM (
    SELECT c.actor, c.key, c.position, CASE
        WHEN c.events < 0 OR c.position < c.events OR c.position > $1 THEN format('the log has no %s events up to position %s', c.events, c.position)
        WHEN c.recorded_at > now() + $3::interval THEN 'recorded_at is ahead of the clock of the database'
        WHEN length(c.hash) <> 32 THEN 'hash is no SHA-256'
        WHEN c.actor !~ '^(anonymous|operator|system|provider|user-[1-9][0-9]*)$' THEN 'there is no such actor'
        WHEN (c.refusal IS NULL) <> (c.refusal_text IS NULL) THEN 'a refusal has a code and a text'
        WHEN c.refusal !~ '^[a-z_]+$' OR c.refusal_text = '' THEN 'a refusal has a code and a text'
        WHEN c.refusal IS NOT NULL AND c.events > 0 THEN 'a refused command has no events'
        WHEN c.refusal IS NOT NULL AND NOT c.coins THEN 'only refusals of commands about coins are kept'
        WHEN c.events = 0 AND EXISTS (
            SELECT FROM events e WHERE e.position = c.position
            AND e.metadata ->> 'actor' = c.actor AND e.metadata ->> 'key' = c.key AND e.recorded_at = c.recorded_at
        ) THEN format('the command has an event at position %s', c.position)
        WHEN c.events = 0 AND (
            EXISTS (SELECT FROM events e WHERE e.position = c.position AND e.recorded_at > c.recorded_at AND NOT EXISTS (
                SELECT FROM events n WHERE n.position = c.position + 1 AND n.metadata ->> 'clock_set_back' = 'true'))
            OR EXISTS (SELECT FROM events e WHERE e.position = c.position + 1 AND e.recorded_at < c.recorded_at
                AND e.metadata ->> 'clock_set_back' IS NULL)
        ) THEN format('recorded_at does not fit position %s', c.position)
        WHEN c.events > 0 AND c.events <> (
            SELECT count(*) FROM events e WHERE e.position > c.position - c.events AND e.position <= c.position
            AND e.metadata ->> 'actor' = c.actor AND e.metadata ->> 'key' = c.key AND e.recorded_at = c.recorded_at
        ) THEN format('the events at the positions %s to %s have another actor, key or time', c.position - c.events + 1, c.position)
        WHEN c.events > 0 AND EXISTS (
            SELECT FROM events e WHERE e.position IN (c.position - c.events, c.position + 1)
            AND e.metadata ->> 'actor' = c.actor AND e.metadata ->> 'key' = c.key AND e.recorded_at = c.recorded_at
        ) THEN format('the command has more events than those at the positions %s to %s', c.position - c.events + 1, c.position)
        WHEN c.events > 0 AND c.coins <> EXISTS (
            SELECT FROM events e WHERE e.position > c.position - c.events AND e.position <= c.position AND e.type = ANY ($2)
        ) THEN format('coins is %s, the events say otherwise', c.coins)
    END AS fault FROM command c
) f WHERE fault IS NOT NULL ORDER BY position LIMIT $4
