-- Reads table events of package eventstore and table checkpoint of package eventstore/consumer.
-- Returns the checkpoint of the tables, and the id of the event at a position.
SELECT coalesce((SELECT position FROM checkpoint WHERE consumer_group = 'projections'), 0), (SELECT event_id FROM events WHERE position = $1)
