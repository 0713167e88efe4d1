-- Writes table held_comment of package projections.
UPDATE held_comment SET text = 'erased' WHERE user_id = ANY ($1)
