-- Reads table live_delivery of package projections/delivery.
SELECT gifts, sent, acknowledged, streamer_sent, streamer_acknowledged FROM live_delivery WHERE live_id = $1
