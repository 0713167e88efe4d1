-- Reads table chat_room of package projections.
SELECT id, name, name_key, position, created_at FROM chat_room
