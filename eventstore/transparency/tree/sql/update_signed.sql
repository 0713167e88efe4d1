-- Writes table tlog_tree of package eventstore/transparency/tree.
UPDATE tlog_tree SET signed = $1
