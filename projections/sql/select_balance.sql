-- Reads table coin of package projections.
SELECT balance FROM coin WHERE account = $1
