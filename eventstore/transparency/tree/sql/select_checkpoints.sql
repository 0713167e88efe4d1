-- Reads table tlog_checkpoint of package eventstore/transparency/tree.
SELECT number, size, note, keys, coalesce(previous, -1) FROM tlog_checkpoint ORDER BY number, size
