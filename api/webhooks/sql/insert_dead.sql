-- Writes table webhook_dead of package api/webhooks.
INSERT INTO webhook_dead (webhook, position, cursor, live_id, type, status, error, died_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (webhook, position) DO UPDATE SET cursor = excluded.cursor, live_id = excluded.live_id, type = excluded.type,
    status = excluded.status, error = excluded.error, died_at = excluded.died_at, retry = false
