UPDATE comment SET text = 'erased' WHERE user_id = ANY ($1)
