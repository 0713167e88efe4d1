-- Writes table coin_held of package projections.
DELETE FROM coin_held WHERE ($2 OR user_id = ANY ($1::bigint[])) AND position > $3 RETURNING position
