DELETE FROM webhook_blocked WHERE webhook = $1 AND live_id = $2
