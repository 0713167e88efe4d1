-- Writes table tlog_tree of package eventstore/transparency/tree. Reads table tlog_checkpoint of package eventstore/transparency/tree.
UPDATE tlog_tree SET size = 0, event_id = NULL, halted = NULL, signed = 0,
    number = greatest(number, $1, (SELECT coalesce(max(number), 0) FROM tlog_checkpoint)) + 1
RETURNING number
