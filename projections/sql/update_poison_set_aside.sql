-- Writes table poison of package projections.
UPDATE poison SET set_aside = $2 WHERE position = $1 AND set_aside IS NULL
