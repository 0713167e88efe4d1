-- Writes table webhook_cursor of package api/webhooks.
INSERT INTO webhook_cursor (webhook, start, position, cursor, halted) VALUES ($1, $2, $3, $4, nullif($5, ''))
ON CONFLICT (webhook) DO UPDATE SET start = excluded.start, position = excluded.position, cursor = excluded.cursor, halted = excluded.halted
