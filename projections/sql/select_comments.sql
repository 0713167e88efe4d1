-- Reads tables comment, user_account of package projections.
SELECT c.position, c.id, c.live_id, c.user_id, coalesce(u.username, ''), coalesce(u.nickname, ''), coalesce(u.avatar, ''), c.text, c.at
FROM comment c LEFT JOIN user_account u ON u.id = c.user_id
WHERE ($1::bigint = 0 OR c.live_id = $1) AND ($2::bigint = 0 OR c.user_id = $2) AND c.position > $3 AND c.position < $4
ORDER BY c.position {order} LIMIT $5
