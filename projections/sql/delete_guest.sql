DELETE FROM guest WHERE id = ANY ($1)
