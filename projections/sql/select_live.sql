SELECT l.id, l.user_id, coalesce(p.username, ''), coalesce(p.nickname, ''), coalesce(p.avatar, ''), coalesce(p.disabled OR p.forgotten, false), l.title, l.cover, l.key, l.status,
    coalesce(a.online, 0), coalesce(k.looks, 0), coalesce(c.coins, 0), l.created_at, l.updated_at,
    s.id, s.process, s.video, s.width, s.height, s.audio, s.started_at, l.record
FROM live l
LEFT JOIN person p ON p.id = l.user_id
LEFT JOIN audience a ON a.live_id = l.id
LEFT JOIN look_count k ON k.live_id = l.id
LEFT JOIN live_coin c ON c.live_id = l.id
LEFT JOIN show s ON s.live_id = l.id AND s.stopped_at IS NULL
