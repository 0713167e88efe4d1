-- Reads table events of package eventstore and table checkpoint of package eventstore/consumer.
-- Locks the checkpoint only if the log has newer events, or if it does not have the event of the checkpoint. Returns no row while
-- another process holds the checkpoint.
SELECT position, generation, event_id FROM checkpoint c
WHERE consumer_group = $1 AND (
    position < (SELECT position FROM events ORDER BY position DESC LIMIT 1)
    OR position > 0 AND NOT EXISTS (
        SELECT FROM events e WHERE e.position = c.position AND (c.event_id IS NULL OR e.event_id = c.event_id)))
FOR UPDATE SKIP LOCKED
