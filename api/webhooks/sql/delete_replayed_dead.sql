-- Writes table webhook_dead of package api/webhooks.
DELETE FROM webhook_dead WHERE webhook = $1 AND (position > $2 OR died_at < $3)
