-- Reads table tlog_tile of package eventstore/transparency/tree.
SELECT substr(hashes, 1, $3) FROM tlog_tile WHERE level = $1 AND index = $2
