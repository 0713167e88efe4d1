SELECT m.position, m.id, m.guest_id, m.connection, m.user_id, coalesce(p.username, ''), coalesce(p.nickname, ''), coalesce(p.avatar, ''),
    coalesce(p.created_at, m.at), CASE WHEN m.user_id = 0 THEN m.nickname ELSE '' END, m.kind, m.text, m.ms, m.to_user, m.to_guest, m.at
FROM message m LEFT JOIN person p ON p.id = m.user_id
WHERE m.public AND m.position > $1 AND m.position < $2 ORDER BY m.position {order} LIMIT $3
