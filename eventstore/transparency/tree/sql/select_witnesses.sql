-- Reads table tlog_cosignature of package eventstore/transparency/tree.
SELECT witness, max(size) FROM tlog_cosignature WHERE number = $1 GROUP BY witness ORDER BY witness
