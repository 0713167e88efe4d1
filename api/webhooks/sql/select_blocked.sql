-- Reads table webhook_blocked of package api/webhooks.
SELECT live_id, position, since, attempts, retry_at, status, error FROM webhook_blocked WHERE webhook = $1
