-- Reads table coin_hold of package projections.
SELECT user_id, min(position) FROM coin_hold GROUP BY user_id
