-- Reads table held_comment of package projections.
SELECT user_id, text FROM held_comment WHERE live_id = $1 AND held = $2
