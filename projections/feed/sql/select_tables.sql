-- Reads table events of package eventstore and table checkpoint of package eventstore/consumer and table poison of package projections.
-- Returns the checkpoint of the tables, the id of the event at a position, and whether a coin event was ever held or poison.
SELECT coalesce((SELECT position FROM checkpoint WHERE consumer_group = 'projections'), 0), (SELECT event_id FROM events WHERE position = $1),
    EXISTS (SELECT FROM poison WHERE projection = 'coins')
