-- Reads table coin of package projections.
SELECT received FROM coin WHERE account = $1
