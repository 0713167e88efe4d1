-- Writes table credential of package eventstore.
INSERT INTO credential (id, hash, created_at) VALUES ($1, $2, $3)
