-- Writes table tlog_checkpoint of package eventstore/transparency/tree.
-- Replaces the other checkpoints of the same hour.
WITH replaced AS (
    DELETE FROM tlog_checkpoint WHERE number = $1 AND size < $2
        AND date_trunc('hour', signed_at AT TIME ZONE 'UTC') = date_trunc('hour', clock_timestamp() AT TIME ZONE 'UTC')
)
INSERT INTO tlog_checkpoint (number, size, note, keys) VALUES ($1, $2, $3, $4)
