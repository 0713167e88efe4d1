-- Writes table command of package eventstore.
DELETE FROM command WHERE (actor, key) IN (
    SELECT actor, key FROM command WHERE NOT coins AND recorded_at < $1 ORDER BY recorded_at LIMIT $2)
