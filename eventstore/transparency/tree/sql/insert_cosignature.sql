-- Writes table tlog_cosignature of package eventstore/transparency/tree.
-- Replaces the other cosignatures of the witness of the same hour. Does nothing if the witness has cosigned a larger tree.
WITH replaced AS (
    DELETE FROM tlog_cosignature WHERE number = $1 AND witness = $2 AND size < $3
        AND date_trunc('hour', received_at AT TIME ZONE 'UTC') = date_trunc('hour', clock_timestamp() AT TIME ZONE 'UTC')
)
INSERT INTO tlog_cosignature (number, witness, size, note, keys)
SELECT $1, $2, $3, $4, $5 WHERE NOT EXISTS (SELECT FROM tlog_cosignature WHERE number = $1 AND witness = $2 AND size >= $3)
ON CONFLICT DO NOTHING
