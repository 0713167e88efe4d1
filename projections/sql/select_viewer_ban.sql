-- Reads table viewer_ban of package projections.
SELECT until FROM viewer_ban WHERE live_id = $1 AND user_id = $2
