-- Reads table events of package eventstore and table gift_delivery of package projections/delivery.
SELECT sent, least(acknowledged, sent), least(streamer_sent, sent), least(streamer_acknowledged, streamer_sent, acknowledged, sent) FROM gift_delivery
WHERE position = $1 AND event_id = (SELECT e.event_id FROM events e WHERE e.position = $1)
