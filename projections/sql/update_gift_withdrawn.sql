-- Writes table gift of package projections.
UPDATE gift SET available = false WHERE id = ANY ($1)
