-- Reads table events of package eventstore.
-- See select_typed_events.sql for the comparisons of two columns. The index contains only events of lives.
SELECT position, stream, version, event_id, type, payload, metadata, live_id, recorded_at
FROM events WHERE live_id IS NOT NULL AND (live_id, position) > ($4, $1) AND (live_id, position) <= ($4, $2) ORDER BY live_id, position LIMIT $3
