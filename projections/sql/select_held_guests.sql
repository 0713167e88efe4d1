SELECT id, name_key FROM guest WHERE process = $1 AND id > $2 ORDER BY id LIMIT $3
