DELETE FROM credential WHERE id = ANY ($1)
