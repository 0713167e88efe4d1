-- Reads tables webhook_blocked, webhook_cursor, webhook_dead of package api/webhooks.
SELECT c.webhook, c.start, c.position, c.cursor, coalesce(c.halted, ''),
    (SELECT count(*) FROM webhook_blocked b WHERE b.webhook = c.webhook),
    (SELECT count(*) FROM webhook_dead d WHERE d.webhook = c.webhook),
    coalesce(l.status, 0), coalesce(l.error, '')
FROM webhook_cursor c LEFT JOIN LATERAL (
    SELECT status, error FROM webhook_blocked b WHERE b.webhook = c.webhook AND b.attempts > 0 ORDER BY retry_at DESC LIMIT 1
) l ON true
ORDER BY c.webhook
