-- Writes table tlog_checkpoint of package eventstore/transparency/tree.
INSERT INTO tlog_checkpoint (number, size, note, keys) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING
