-- Writes table webhook_cursor of package api/webhooks.
UPDATE webhook_cursor SET position = $4, cursor = $5 WHERE webhook = $1 AND start = $2 AND position = $3 AND halted IS NULL
