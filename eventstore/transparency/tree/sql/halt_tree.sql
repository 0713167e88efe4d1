-- Writes table tlog_tree of package eventstore/transparency/tree.
UPDATE tlog_tree SET halted = $1 WHERE halted IS NULL AND number = $2
