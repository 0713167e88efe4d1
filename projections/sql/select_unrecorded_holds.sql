-- Reads tables coin_closing, coin_hold, poison of package projections.
SELECT h.position, array_agg(h.user_id ORDER BY h.user_id), coalesce((SELECT p.cause FROM poison p WHERE p.position = h.position AND p.projection = 'coins'), '')
FROM coin_hold h
WHERE NOT EXISTS (SELECT FROM coin_closing c WHERE c.user_id = h.user_id AND c.position = h.position)
GROUP BY h.position ORDER BY h.position
