-- Writes table participant of package projections.
DELETE FROM participant WHERE id = ANY ($1)
