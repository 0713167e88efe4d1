-- Reads tables broadcast, live of package projections.
SELECT b.id, b.live_id, l.stream_key, b.node, b.video, b.width, b.height, b.audio, b.started_at
FROM broadcast b JOIN live l ON l.id = b.live_id
WHERE b.stopped_at IS NULL AND b.live_id > $1 ORDER BY b.live_id LIMIT $2
