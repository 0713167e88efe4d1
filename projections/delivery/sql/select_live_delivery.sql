-- Reads table live_delivery of package projections/delivery.
SELECT gifts, sent, least(acknowledged, sent), least(streamer_sent, sent), least(streamer_acknowledged, streamer_sent, acknowledged, sent) FROM live_delivery WHERE live_id = $1
