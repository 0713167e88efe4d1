-- Reads tables coin_held, poison of package projections.
-- Returns the positions of coin events that the tables have not applied.
SELECT position FROM coin_held WHERE position = ANY ($1::bigint[])
UNION SELECT position FROM poison WHERE projection = 'coins' AND position = ANY ($1::bigint[])
