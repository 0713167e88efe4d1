SELECT EXISTS (SELECT FROM guest WHERE user_id = $1 AND user_id > 0),
    coalesce((SELECT room FROM seat WHERE user_id = $1 AND user_id > 0 ORDER BY joined DESC LIMIT 1), '')
