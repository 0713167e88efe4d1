-- Reads tables coin, gift_record of package projections.
SELECT g.position, g.live_id, g.streamer, g.sender, g.gift_id, g.num, g.coins, g.share, coalesce(c.received, 0)
FROM gift_record g LEFT JOIN coin c ON c.account = 'earnings-' || g.streamer
WHERE g.position = $1
