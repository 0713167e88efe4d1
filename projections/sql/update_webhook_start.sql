-- Writes table webhook of package projections.
UPDATE webhook SET after = $2, start = $3 WHERE id = $1
