-- Reads tables coin_hold, poison of package projections.
SELECT p.position, p.projection, p.type, p.cause, coalesce(p.set_aside, 0),
    ARRAY(SELECT h.user_id FROM coin_hold h WHERE h.position = p.position AND p.projection = 'coins' ORDER BY h.user_id)
FROM poison p WHERE ($1::bigint = 0 OR p.position = $1) ORDER BY p.position, p.projection
