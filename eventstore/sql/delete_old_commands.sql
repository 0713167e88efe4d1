-- Writes table command of package eventstore.
DELETE FROM command WHERE ctid = ANY (ARRAY(SELECT ctid FROM command WHERE NOT coins AND recorded_at < $1 ORDER BY recorded_at LIMIT $2))
