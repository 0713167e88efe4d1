SELECT coalesce(session, '') FROM session WHERE user_id = $1
