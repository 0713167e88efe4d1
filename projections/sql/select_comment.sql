-- Reads table comment of package projections.
SELECT user_id, at FROM comment WHERE live_id = $1 AND position = $2
