-- Writes table webhook of package projections.
DELETE FROM webhook WHERE id = $1
