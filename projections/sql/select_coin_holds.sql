SELECT user_id, min(position) FROM coin_hold GROUP BY user_id
