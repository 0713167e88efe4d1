-- Reads table broadcast of package projections.
SELECT started_at FROM broadcast WHERE live_id = $1 ORDER BY started_at LIMIT 1
