-- Writes table webhook_cursor of package api/webhooks.
UPDATE webhook_cursor SET halted = $4 WHERE webhook = $1 AND start = $2 AND position = $3
