-- Reads table events of package eventstore.
SELECT position, stream, version, event_id, type, payload, metadata, live_id, recorded_at
FROM events WHERE position > $1 AND position <= $2 ORDER BY position LIMIT $3
