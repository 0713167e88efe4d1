SELECT id, username, nickname, avatar FROM person WHERE id = ANY ($1)
