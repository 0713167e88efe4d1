SELECT user_id, key FROM user_key WHERE user_id = ANY ($1)
