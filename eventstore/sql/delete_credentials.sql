-- Writes table credential of package eventstore.
DELETE FROM credential WHERE id = ANY ($1)
