-- Reads table webhook_cursor of package api/webhooks.
SELECT position FROM webhook_cursor WHERE webhook = $1 AND start = $2 FOR UPDATE
