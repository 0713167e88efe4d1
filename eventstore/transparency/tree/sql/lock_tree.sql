-- Reads table tlog_tree of package eventstore/transparency/tree.
-- Returns no row while another process extends the tree.
SELECT size FROM tlog_tree FOR UPDATE SKIP LOCKED
