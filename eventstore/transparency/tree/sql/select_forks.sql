-- Reads table tlog_fork of package eventstore/transparency/tree.
SELECT number, size, note FROM tlog_fork ORDER BY number, size
