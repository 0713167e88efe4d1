-- The checkpoint is locked only when there is something to read, and passed over while another process holds it.
SELECT position, generation FROM checkpoint
WHERE consumer_group = $1 AND position < (SELECT position FROM events ORDER BY position DESC LIMIT 1)
FOR UPDATE SKIP LOCKED
