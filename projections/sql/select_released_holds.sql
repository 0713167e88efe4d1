-- Reads tables coin_closing, coin_hold of package projections.
SELECT DISTINCT c.position FROM coin_closing c
WHERE NOT EXISTS (SELECT FROM coin_hold h WHERE h.user_id = c.user_id AND h.position = c.position) ORDER BY c.position
