-- Reads table events of package eventstore.
SELECT version FROM events WHERE stream = $1 AND position < $2 ORDER BY version DESC LIMIT 1
