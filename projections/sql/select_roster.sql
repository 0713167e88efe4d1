-- Reads tables chat_membership, participant, user_account of package projections.
SELECT p.id, p.connection, p.profile, p.user_id, coalesce(u.username, ''), coalesce(u.nickname, ''), coalesce(u.avatar, ''), coalesce(u.created_at, p.entered_at),
    CASE WHEN p.user_id = 0 THEN p.nickname ELSE '' END, p.name_key, p.node, p.entered_at,
    ARRAY (SELECT s.chat_room_id FROM chat_membership s WHERE s.participant_id = p.id ORDER BY s.joined_position)
FROM participant p LEFT JOIN user_account u ON u.id = p.user_id
WHERE p.id > $1 ORDER BY p.id LIMIT $2
