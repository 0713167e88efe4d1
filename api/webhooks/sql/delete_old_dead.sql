-- Writes table webhook_dead of package api/webhooks.
DELETE FROM webhook_dead WHERE webhook = $1
    AND position <= (SELECT position FROM webhook_dead WHERE webhook = $1 ORDER BY position DESC OFFSET $2 LIMIT 1)
