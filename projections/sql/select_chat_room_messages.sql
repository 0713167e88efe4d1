-- Reads tables message, message_chat_room, user_account of package projections.
SELECT m.position, m.id, m.participant_id, m.connection, m.user_id, coalesce(u.username, ''), coalesce(u.nickname, ''), coalesce(u.avatar, ''),
    coalesce(u.created_at, m.at), CASE WHEN m.user_id = 0 THEN m.nickname ELSE '' END, m.kind, m.text, m.duration_ms, m.to_user, m.to_participant, m.at
FROM message_chat_room r JOIN message m ON m.position = r.position LEFT JOIN user_account u ON u.id = m.user_id
WHERE r.chat_room_id = $1 AND r.position > $2 AND r.position < $3 ORDER BY r.position {{if .oldest_first}}ASC{{else}}DESC{{end}} LIMIT $4
