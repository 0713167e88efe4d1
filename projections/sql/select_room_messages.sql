SELECT m.position, m.id, m.guest_id, m.connection, m.user_id, coalesce(p.username, ''), coalesce(p.nickname, ''), coalesce(p.avatar, ''),
    coalesce(p.created_at, m.at), CASE WHEN m.user_id = 0 THEN m.nickname ELSE '' END, m.kind, m.text, m.ms, m.to_user, m.to_guest, m.at
FROM message_room r JOIN message m ON m.position = r.position LEFT JOIN person p ON p.id = m.user_id
WHERE r.room = $1 AND r.position > $2 AND r.position < $3 ORDER BY r.position {order} LIMIT $4
