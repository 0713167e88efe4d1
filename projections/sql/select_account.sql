SELECT id, username, nickname, avatar, credential, disabled OR forgotten FROM person WHERE name_key = $1
