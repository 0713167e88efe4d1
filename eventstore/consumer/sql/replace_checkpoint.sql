-- Writes table checkpoint of package eventstore/consumer. Reads table events of package eventstore.
-- Starts a new generation, because other tables are in use from now on.
WITH moved AS (
    UPDATE checkpoint SET position = $1, event_id = (SELECT event_id FROM events WHERE position = $1), generation = generation + 1
    WHERE consumer_group = $2 RETURNING position
)
SELECT pg_notify($3, position::text) FROM moved
