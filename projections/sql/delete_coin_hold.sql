-- Writes table coin_hold of package projections.
DELETE FROM coin_hold WHERE position = $1 RETURNING user_id
