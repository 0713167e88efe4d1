SELECT g.id, g.connection, g.profile, g.user_id, coalesce(p.username, ''), coalesce(p.nickname, ''), coalesce(p.avatar, ''),
    CASE WHEN g.user_id = 0 THEN g.nickname ELSE '' END, g.name_key, g.process, g.entered_at
FROM guest g LEFT JOIN person p ON p.id = g.user_id
