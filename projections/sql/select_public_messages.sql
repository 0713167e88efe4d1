-- Reads tables message, user_account of package projections.
SELECT m.position, m.id, m.participant_id, m.connection, m.user_id, coalesce(u.username, ''), coalesce(u.nickname, ''), coalesce(u.avatar, ''),
    coalesce(u.created_at, m.at), CASE WHEN m.user_id = 0 THEN m.nickname ELSE '' END, m.kind, m.text, m.duration_ms, m.to_user, m.to_participant, m.at
FROM message m LEFT JOIN user_account u ON u.id = m.user_id
WHERE m.public AND m.position > $1 AND m.position < $2 ORDER BY m.position {{if .oldest_first}}ASC{{else}}DESC{{end}} LIMIT $3
