DELETE FROM coin_hold WHERE position = $1 RETURNING user_id
