-- Reads tables broadcast, follow, live, live_access, live_coin, live_online, look_count, recording, user_account of package projections.
-- LIMIT 500 is the size of the largest page: the planner needs a constant, because a generic plan does not depend on parameters.
SELECT l.id, l.user_id, coalesce(u.username, ''), coalesce(u.nickname, ''), coalesce(u.avatar, ''), u.id IS NOT NULL, coalesce(u.disabled, false), coalesce(u.forgotten, false), u.banned_until,
    l.title, l.cover, l.stream_key, l.status,
    coalesce((SELECT online FROM live_online WHERE live_id = l.id), 0), coalesce((SELECT viewers FROM look_count WHERE live_id = l.id), 0),
    coalesce((SELECT coins FROM live_coin WHERE live_id = l.id), 0), l.created_at, l.updated_at,
    b.id, b.node, b.video, b.width, b.height, b.audio, b.started_at, l.record, coalesce(a.access, 'open'), coalesce(a.price, 0), coalesce(a.min_age, 0)
FROM {{if .page}}(
    SELECT * FROM live WHERE id <= (SELECT max(id) FROM live) - $1
    AND (SELECT x.access FROM live_access x WHERE x.live_id = live.id AND x.access IN ('unlisted', 'invited') LIMIT 1) IS NULL ORDER BY id DESC LIMIT 500
){{else if .streaming}}(
    SELECT * FROM live WHERE status IN (1, 2) AND id IN (SELECT live_id FROM broadcast WHERE stopped_at IS NULL)
    AND (SELECT x.access FROM live_access x WHERE x.live_id = live.id AND x.access IN ('unlisted', 'invited') LIMIT 1) IS NULL ORDER BY id DESC LIMIT 500
){{else if .past}}(
    SELECT * FROM live WHERE id < $1 AND id >= $1 - 500 AND status = 3
    AND (SELECT true FROM recording WHERE live_id = live.id AND ended_at IS NOT NULL AND deleted_at IS NULL ORDER BY started_at DESC LIMIT 1)
    AND (SELECT x.access FROM live_access x WHERE x.live_id = live.id AND x.access IN ('unlisted', 'invited') LIMIT 1) IS NULL ORDER BY id DESC LIMIT 500
){{else if .owner}}(
    SELECT * FROM live WHERE user_id = $1 AND id < $2 ORDER BY id DESC LIMIT 500
){{else if .followed}}(
    SELECT * FROM live WHERE status IN (1, 2) AND user_id IN (SELECT streamer_id FROM follow WHERE user_id = $1)
    AND (SELECT x.access FROM live_access x WHERE x.live_id = live.id AND x.access IN ('unlisted', 'invited') LIMIT 1) IS NULL ORDER BY id DESC LIMIT 500
){{else}}live{{end}} l
LEFT JOIN LATERAL (SELECT * FROM user_account WHERE id = l.user_id LIMIT 1) u ON true -- LIMIT: a join could read all users
LEFT JOIN LATERAL (SELECT access, price, min_age FROM live_access WHERE live_id = l.id LIMIT 1) a ON true
LEFT JOIN broadcast b ON b.live_id = l.id AND b.stopped_at IS NULL
{{if .page}}ORDER BY l.id DESC LIMIT $2
{{else if .streaming}}ORDER BY l.id DESC LIMIT $1
{{else if .past}}WHERE NOT (u.disabled OR u.forgotten) ORDER BY l.id DESC LIMIT $2
{{else if .owner}}ORDER BY l.id DESC LIMIT $3
{{else if .followed}}ORDER BY l.id DESC LIMIT $2
{{else if .id}}WHERE l.id = $1
{{else if .stream_key}}WHERE l.stream_key = $1
{{else if .stream_keys}}WHERE l.stream_key = ANY ($1)
{{else}}WHERE l.status IN (1, 2) ORDER BY l.id DESC LIMIT $1
{{end}}
