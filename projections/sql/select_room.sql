SELECT id, name, name_key, position, created_at FROM room
