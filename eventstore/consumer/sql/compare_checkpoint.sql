-- Reads table events of package eventstore and table checkpoint of package eventstore/consumer.
-- Compares a checkpoint with the log, in one snapshot.
SELECT c.position, c.event_id, e.event_id
FROM checkpoint c
LEFT JOIN events e ON e.position = c.position
WHERE c.consumer_group = $1
