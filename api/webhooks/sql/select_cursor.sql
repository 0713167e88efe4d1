-- Reads table webhook_cursor of package api/webhooks.
SELECT webhook, start, position, cursor, coalesce(halted, '') FROM webhook_cursor WHERE webhook = $1 AND start = $2
