SELECT v.user_id, coalesce(p.username, ''), coalesce(p.nickname, ''), coalesce(p.avatar, ''),
    v.live_id, v.present, coalesce(v.process, ''), v.first_position, v.joined_at, v.left_at, coalesce(v.cause, '')
FROM viewer v LEFT JOIN person p ON p.id = v.user_id
WHERE ($1::bigint = 0 OR v.live_id = $1) AND ($2::bigint = 0 OR v.user_id = $2) AND (v.present OR NOT $3) AND v.first_position > $4 AND v.first_position < $5
ORDER BY v.first_position {order} LIMIT $6
