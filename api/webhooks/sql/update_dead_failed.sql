-- Writes table webhook_dead of package api/webhooks.
UPDATE webhook_dead SET status = $3, error = $4, died_at = $5, retry = false WHERE webhook = $1 AND position = $2
