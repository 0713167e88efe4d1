-- Reads table events of package eventstore and table gift_delivery of package projections/delivery.
SELECT sent, acknowledged, streamer_sent, streamer_acknowledged FROM gift_delivery
WHERE position = $1 AND event_id = (SELECT e.event_id FROM events e WHERE e.position = $1)
