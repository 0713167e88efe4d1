-- Reads table tlog_checkpoint of package eventstore/transparency/tree.
SELECT number, size, note, keys FROM tlog_checkpoint ORDER BY number, size
