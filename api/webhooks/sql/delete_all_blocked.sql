-- Writes table webhook_blocked of package api/webhooks.
DELETE FROM webhook_blocked WHERE webhook = $1
