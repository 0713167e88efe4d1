SELECT user_id, key FROM person_key WHERE user_id = ANY ($1)
