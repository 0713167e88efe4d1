SELECT s.id, s.live_id, l.key, s.process, s.video, s.width, s.height, s.audio, s.started_at
FROM show s JOIN live l ON l.id = s.live_id
WHERE s.stopped_at IS NULL AND s.live_id > $1 ORDER BY s.live_id LIMIT $2
