DELETE FROM person_key WHERE user_id = ANY ($1)
