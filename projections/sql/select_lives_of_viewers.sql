-- Reads table viewer of package projections.
SELECT live_id, user_id FROM viewer WHERE present AND user_id = ANY ($1::bigint[]) ORDER BY live_id, user_id
