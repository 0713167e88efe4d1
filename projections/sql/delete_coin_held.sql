-- Writes table coin_held of package projections.
DELETE FROM coin_held WHERE position > @position{{if .users}} AND user_id = ANY (@users){{end}} RETURNING position
