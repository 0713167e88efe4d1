-- Writes table checkpoint of package eventstore/consumer.
WITH moved AS (
    UPDATE checkpoint SET position = $1, event_id = $4 WHERE consumer_group = $2 AND position < $1 RETURNING position
)
SELECT pg_notify($3, position::text) FROM moved
