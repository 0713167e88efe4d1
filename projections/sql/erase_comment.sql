-- Writes table comment of package projections.
UPDATE comment SET text = 'erased' WHERE user_id = ANY ($1)
