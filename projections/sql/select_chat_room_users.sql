-- Reads tables chat_membership, user_account of package projections.
SELECT r.id, u.id, u.username, u.nickname, u.avatar, u.created_at
FROM unnest($1::text[]) AS r (id)
CROSS JOIN LATERAL (
    SELECT s.user_id, max(s.joined_position) AS joined_position FROM chat_membership s
    WHERE s.chat_room_id = r.id AND s.user_id > 0 GROUP BY s.user_id ORDER BY max(s.joined_position) DESC LIMIT $2
) s
JOIN user_account u ON u.id = s.user_id
ORDER BY r.id, s.joined_position DESC
