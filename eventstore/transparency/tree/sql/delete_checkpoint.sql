-- Writes table tlog_checkpoint of package eventstore/transparency/tree.
-- Deletes the checkpoint of a size, which a checkpoint of the same tree with the signatures of other keys replaces.
DELETE FROM tlog_checkpoint WHERE number = $1 AND size = $2
