INSERT INTO credential (id, hash, created_at) VALUES ($1, $2, $3)
