-- Reads table events of package eventstore.
-- The versions of a stream grow with the positions. The recursion finds the newest version up to position $1 bit by bit, with one
-- lookup in the index (stream, version) for each bit, so that a late page of a long stream is not slower than the first.
WITH RECURSIVE search (version, step) AS (
    SELECT 0::bigint, 1::bigint << 30
    UNION ALL
    SELECT CASE WHEN EXISTS (
            SELECT FROM events e WHERE e.stream = $4 AND e.version = s.version + s.step AND e.position <= $1
        ) THEN s.version + s.step ELSE s.version END, s.step >> 1
    FROM search s WHERE s.step > 0
)
SELECT position, stream, version, event_id, type, payload, metadata, live_id, recorded_at
FROM events WHERE stream = $4 AND version > (SELECT version FROM search WHERE step = 0) AND position <= $2 ORDER BY version LIMIT $3
