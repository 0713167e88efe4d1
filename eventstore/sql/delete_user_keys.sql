DELETE FROM user_key WHERE user_id = ANY ($1)
