-- Reads table events of package eventstore.
-- recorded_at grows with the positions, except where the clock of the database was set back. The recursion finds the last position
-- that was recorded before $1 bit by bit, with one lookup in the primary key for each bit. Which positions it looks up does not
-- depend on the length of the log, so the result stays the same as the log grows.
WITH RECURSIVE search (position, step) AS (
    SELECT 0::bigint, 1::bigint << 61
    UNION ALL
    SELECT CASE WHEN EXISTS (
            SELECT FROM events e WHERE e.position = s.position + s.step AND e.recorded_at < $1
        ) THEN s.position + s.step ELSE s.position END, s.step >> 1
    FROM search s WHERE s.step > 0
)
SELECT position FROM search WHERE step = 0
