-- Reads tables live, recording, user_account of package projections.
SELECT r.id, r.live_id, l.stream_key, r.started_at, r.ended_at, r.cause, r.duration_ms, r.bytes, r.parts
FROM recording r JOIN live l ON l.id = r.live_id JOIN user_account u ON u.id = r.user_id
WHERE r.deleted_at IS NULL AND NOT (u.disabled OR u.forgotten)
{{if .id}}AND r.id = $1{{else}}AND r.live_id = $1 ORDER BY r.started_at DESC, r.id LIMIT $2 OFFSET $3{{end}}
