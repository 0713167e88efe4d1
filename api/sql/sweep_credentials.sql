-- Deletes the hashes that no account was opened with: $1 is old enough that whoever wrote one has
-- finished, $2 is how far back to look. The log says what is used, not the tables, which may lag.
DELETE FROM credential c
WHERE c.created_at < $1 AND c.created_at >= $2
  AND NOT EXISTS (
    SELECT FROM events e
    WHERE e.type LIKE 'user.registered.v%' AND e.recorded_at >= $2 - interval '1 hour'
      AND e.payload ->> 'credential' = c.id::text)
