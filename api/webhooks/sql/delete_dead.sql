DELETE FROM webhook_dead WHERE webhook = $1 AND position = $2
