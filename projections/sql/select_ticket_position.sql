-- Reads table ticket of package projections.
SELECT coalesce((SELECT position FROM ticket WHERE live_id = $1 AND user_id = $2 AND returned IS NULL), 0)
