DELETE FROM participant WHERE id = ANY ($1)
