-- Writes table webhook_blocked of package api/webhooks.
INSERT INTO webhook_blocked (webhook, live_id, position, since, attempts, retry_at, status, error) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (webhook, live_id) DO UPDATE SET position = excluded.position, since = excluded.since, attempts = excluded.attempts,
    retry_at = excluded.retry_at, status = excluded.status, error = excluded.error
