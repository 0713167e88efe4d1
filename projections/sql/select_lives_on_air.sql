-- Reads table live of package projections.
SELECT id FROM live WHERE user_id = $1 AND status IN (1, 2) ORDER BY id LIMIT $2
