-- Reads table webhook_dead of package api/webhooks.
SELECT position, cursor, live_id, type, status, error, died_at, retry FROM webhook_dead
WHERE webhook = $1 AND retry ORDER BY position LIMIT $2
