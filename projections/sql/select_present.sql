SELECT v.user_id, coalesce(p.username, ''), coalesce(p.nickname, ''), coalesce(p.avatar, ''), v.joined
FROM viewer v LEFT JOIN person p ON p.id = v.user_id
WHERE v.live_id = $1 AND v.present AND v.joined < $3 ORDER BY v.joined DESC LIMIT $2
