-- Reads table events of package eventstore.
SELECT position, stream, version, event_id, type, payload, live_id, recorded_at
FROM events WHERE position = ANY ($1::bigint[]) ORDER BY position
