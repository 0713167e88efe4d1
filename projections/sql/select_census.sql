SELECT g.id, g.connection, g.profile, g.user_id, coalesce(p.username, ''), coalesce(p.nickname, ''), coalesce(p.avatar, ''), coalesce(p.created_at, g.entered_at),
    CASE WHEN g.user_id = 0 THEN g.nickname ELSE '' END, g.name_key, g.process, g.entered_at,
    ARRAY (SELECT s.room FROM seat s WHERE s.guest_id = g.id ORDER BY s.joined)
FROM guest g LEFT JOIN person p ON p.id = g.user_id
WHERE g.id > $1 ORDER BY g.id LIMIT $2
