DELETE FROM webhook_blocked WHERE webhook = $1
