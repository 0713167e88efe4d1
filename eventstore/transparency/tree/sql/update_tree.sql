-- Writes table tlog_tree of package eventstore/transparency/tree.
UPDATE tlog_tree SET size = $1, event_id = $2
