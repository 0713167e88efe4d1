-- Reads table events of package eventstore.
-- Returns one row: the id of the event at a position, and the time at which the next event was recorded.
SELECT (SELECT event_id FROM events WHERE position = $1), (SELECT recorded_at FROM events WHERE position = $1 + 1)
