-- Reads table restream of package projections.
SELECT target, url, secret, set_at FROM restream WHERE live_id = $1 ORDER BY target
