-- Reads table events of package eventstore.
-- Returns one row: the clock of the database, whether it is a standby, the newest event, and the id of the event at a position that
-- the caller knows.
SELECT clock_timestamp(), pg_is_in_recovery(), h.position, h.event_id, h.recorded_at,
    CASE WHEN h.position = $1 THEN h.event_id ELSE (SELECT event_id FROM events WHERE position = $1) END
FROM (VALUES (1)) AS one (row)
LEFT JOIN (SELECT position, event_id, recorded_at FROM events ORDER BY position DESC LIMIT 1) h ON true
