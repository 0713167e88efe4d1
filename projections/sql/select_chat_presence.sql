-- Reads tables chat_membership, participant of package projections.
SELECT EXISTS (SELECT FROM participant WHERE user_id = $1 AND user_id > 0),
    coalesce((SELECT chat_room_id FROM chat_membership WHERE user_id = $1 AND user_id > 0 ORDER BY joined_position DESC LIMIT 1), '')
