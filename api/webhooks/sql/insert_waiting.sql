-- Writes table webhook_blocked of package api/webhooks.
INSERT INTO webhook_blocked (webhook, live_id, position, since, attempts, retry_at, status, error)
VALUES ($1, $2, $3, clock_timestamp(), 0, clock_timestamp(), 0, '')
ON CONFLICT (webhook, live_id) DO NOTHING
