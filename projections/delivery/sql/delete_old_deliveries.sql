-- Writes table gift_delivery of package projections/delivery.
DELETE FROM gift_delivery WHERE sent_at < $1
    AND position = ANY (ARRAY (SELECT o.position FROM (SELECT position, sent_at FROM gift_delivery ORDER BY position LIMIT 1000) o WHERE o.sent_at < $1))
