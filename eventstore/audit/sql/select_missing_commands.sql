-- Reads tables command, events of package eventstore.
-- Events whose idempotency key has no row. Rows of commands about coins ($2: the types of their events) are kept for ever. Of the
-- other rows the oldest are deleted first, so every event that is newer than the oldest of them must have its row.
SELECT format('row actor %s, key %s is missing: the command of position %s could be executed again', e.metadata ->> 'actor', e.metadata ->> 'key', e.position)
FROM events e
WHERE e.position <= $1 AND e.metadata ->> 'key' IS NOT NULL
  AND (e.type = ANY ($2) OR e.recorded_at > (SELECT min(recorded_at) FROM command WHERE NOT coins))
  AND NOT EXISTS (SELECT FROM command c WHERE c.actor = e.metadata ->> 'actor' AND c.key = e.metadata ->> 'key')
ORDER BY e.position LIMIT $3
