-- Reads table viewer of package projections.
SELECT live_id, user_id FROM viewer
WHERE present AND node = $1 AND (live_id, user_id) > ($2, $3) ORDER BY live_id, user_id LIMIT $4
