-- Writes table webhook_dead of package api/webhooks.
UPDATE webhook_dead SET retry = true WHERE webhook = $1
