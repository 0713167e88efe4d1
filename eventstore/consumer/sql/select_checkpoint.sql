-- Locks the checkpoint only if the log has newer events. Returns no row while another process holds the checkpoint.
SELECT position, generation FROM checkpoint
WHERE consumer_group = $1 AND position < (SELECT position FROM events ORDER BY position DESC LIMIT 1)
FOR UPDATE SKIP LOCKED
