-- Reads table events of package eventstore.
SELECT position, stream, version, event_id, type, payload, metadata, live_id, recorded_at
FROM events WHERE stream = $1 AND version > $2 ORDER BY version LIMIT $3
