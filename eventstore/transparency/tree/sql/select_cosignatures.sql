-- Reads table tlog_cosignature of package eventstore/transparency/tree.
SELECT number, witness, size, note, keys FROM tlog_cosignature ORDER BY number, witness, size
