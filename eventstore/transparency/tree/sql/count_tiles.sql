-- Reads table tlog_tile of package eventstore/transparency/tree.
SELECT count(*) FROM tlog_tile
