-- Reads table participant of package projections.
SELECT id, name_key FROM participant WHERE node = $1 AND id > $2 ORDER BY id LIMIT $3
