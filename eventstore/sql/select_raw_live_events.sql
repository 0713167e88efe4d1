-- Reads table events of package eventstore.
SELECT position, stream, version, event_id, type, payload, live_id, recorded_at
FROM events WHERE live_id = $4 AND position > $1 AND position <= $2 ORDER BY position LIMIT $3
