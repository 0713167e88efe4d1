SELECT r.id, p.id, p.username, p.nickname, p.avatar, p.created_at
FROM unnest($1::text[]) AS r (id)
CROSS JOIN LATERAL (
    SELECT s.user_id, max(s.joined) AS joined FROM seat s
    WHERE s.room = r.id AND s.user_id > 0 GROUP BY s.user_id ORDER BY max(s.joined) DESC LIMIT $2
) s
JOIN person p ON p.id = s.user_id
ORDER BY r.id, s.joined DESC
