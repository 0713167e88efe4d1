DELETE FROM chat_room WHERE id = ANY ($1)
