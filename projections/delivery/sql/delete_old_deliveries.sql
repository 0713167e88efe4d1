-- Writes table gift_delivery of package projections/delivery.
WITH oldest AS (
    SELECT position, event_id, sent_at FROM gift_delivery ORDER BY position LIMIT 1000
)
DELETE FROM gift_delivery d USING oldest o WHERE o.sent_at < $1 AND d.position = o.position AND d.event_id = o.event_id
