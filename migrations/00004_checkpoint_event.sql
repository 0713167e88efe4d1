-- The event at the position of each checkpoint. Package consumer compares it with the log: if the log has another event there,
-- the work of the group does not belong to this log. NULL: not known, or position 0. A checkpoint beyond the end of the log keeps
-- NULL and is found by its position.
-- +goose Up
ALTER TABLE checkpoint ADD COLUMN event_id uuid;
UPDATE checkpoint c SET event_id = e.event_id FROM events e WHERE e.position = c.position;
