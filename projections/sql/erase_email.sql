UPDATE email SET email = 'erased' WHERE user_id = ANY ($1)
