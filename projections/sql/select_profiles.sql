SELECT id, username, nickname, avatar, created_at FROM person WHERE id = ANY ($1)
