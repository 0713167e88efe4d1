-- Reads tables user_account, viewer of package projections.
SELECT v.user_id, coalesce(u.username, ''), coalesce(u.nickname, ''), coalesce(u.avatar, ''),
    v.live_id, v.present, coalesce(v.node, ''), v.first_position, v.joined_at, v.left_at, coalesce(v.cause, '')
FROM viewer v LEFT JOIN user_account u ON u.id = v.user_id
WHERE ($1::bigint = 0 OR v.live_id = $1) AND ($2::bigint = 0 OR v.user_id = $2) AND (v.present OR NOT $3) AND v.first_position > $4 AND v.first_position < $5
ORDER BY v.first_position {order} LIMIT $6
