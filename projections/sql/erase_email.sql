-- Writes table email of package projections.
UPDATE email SET email = 'erased' WHERE user_id = ANY ($1)
