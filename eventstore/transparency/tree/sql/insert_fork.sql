-- Writes table tlog_fork of package eventstore/transparency/tree.
INSERT INTO tlog_fork (number, size, note, keys) SELECT $1, $2, $3, $4 WHERE (SELECT count(*) FROM tlog_fork) < 100 ON CONFLICT DO NOTHING
