-- Reads tables chat_membership, chat_room, message, message_chat_room of package projections.
SELECT id, name, name_key, position, created_at
FROM chat_room r
WHERE NOT EXISTS (SELECT FROM chat_membership m WHERE m.chat_room_id = r.id)
  AND NOT EXISTS (
      SELECT FROM message_chat_room c JOIN message m ON m.position = c.position
      WHERE c.chat_room_id = r.id AND m.at >= $2
  )
  AND (r.created_at < $2 OR r.created_at < $1 AND NOT EXISTS (SELECT FROM message_chat_room c WHERE c.chat_room_id = r.id))
ORDER BY position
