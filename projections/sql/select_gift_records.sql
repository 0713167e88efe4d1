-- Reads tables gift_record, user_account of package projections.
SELECT g.position, g.id, g.live_id, g.streamer, g.sender, coalesce(u.username, ''), coalesce(u.nickname, ''), coalesce(u.avatar, ''),
    g.gift_id, g.name, g.image, g.price, g.num, g.coins, g.at
FROM gift_record g LEFT JOIN user_account u ON u.id = g.sender
WHERE ($1::bigint = 0 OR g.live_id = $1) AND ($2::bigint = 0 OR g.sender = $2) AND ($3::bigint = 0 OR g.streamer = $3) AND ($4::bigint = 0 OR g.gift_id = $4)
    AND g.at >= $5 AND g.at < $6 AND g.position > $7 AND g.position < $8
ORDER BY g.position {order} LIMIT $9
