-- Writes table tlog_checkpoint of package eventstore/transparency/tree.
-- Replaces the other checkpoints of the same hour.
WITH replaced AS (
    DELETE FROM tlog_checkpoint WHERE number = $1 AND size < $2
        AND date_trunc('hour', signed_at AT TIME ZONE 'UTC') = date_trunc('hour', clock_timestamp() AT TIME ZONE 'UTC')
    RETURNING number, size
), kept AS (
    SELECT size FROM tlog_checkpoint c
    WHERE (number, size) < ($1, $2) AND NOT EXISTS (SELECT FROM replaced r WHERE r.number = c.number AND r.size = c.size)
    ORDER BY c.number DESC, c.size DESC LIMIT 1
)
INSERT INTO tlog_checkpoint (number, size, note, keys, previous) VALUES ($1, $2, $3, $4, coalesce((SELECT size FROM kept), 0))
