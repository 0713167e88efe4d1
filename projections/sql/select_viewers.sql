-- Reads tables user_account, viewer of package projections.
SELECT v.user_id, coalesce(u.username, ''), coalesce(u.nickname, ''), coalesce(u.avatar, ''),
    v.live_id, v.present, coalesce(v.node, ''), v.first_position, v.joined_at, v.left_at, coalesce(v.cause, '')
FROM viewer v LEFT JOIN user_account u ON u.id = v.user_id
WHERE v.first_position > @after AND v.first_position < @before {{if .present}}AND v.present{{end}}
    AND {{if .live}}v.live_id = @live{{if .user}} AND v.user_id = @user{{end}}{{else}}v.user_id = @user{{end}}
ORDER BY v.first_position {{if .oldest_first}}ASC{{else}}DESC{{end}} LIMIT @limit
