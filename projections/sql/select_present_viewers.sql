-- Reads tables user_account, viewer of package projections.
SELECT v.user_id, coalesce(u.username, ''), coalesce(u.nickname, ''), coalesce(u.avatar, ''), v.joined_position
FROM viewer v LEFT JOIN user_account u ON u.id = v.user_id
WHERE v.live_id = $1 AND v.present AND v.joined_position < $3 ORDER BY v.joined_position DESC LIMIT $2
