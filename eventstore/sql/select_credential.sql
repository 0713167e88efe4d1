-- Reads table credential of package eventstore.
SELECT hash FROM credential WHERE id = $1
