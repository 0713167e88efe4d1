-- Writes table live of package projections.
UPDATE live SET title = 'erased', cover = 'erased' WHERE user_id = ANY ($1)
