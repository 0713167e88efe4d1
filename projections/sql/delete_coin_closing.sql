-- Writes table coin_closing of package projections.
DELETE FROM coin_closing WHERE position = ANY ($1::bigint[])
