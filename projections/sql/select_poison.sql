-- Reads tables coin_hold, poison of package projections.
SELECT p.position, p.projection, p.type, p.cause, coalesce(p.set_aside, 0),
    ARRAY(SELECT h.user_id FROM coin_hold h WHERE h.position = p.position AND p.projection = 'coins' ORDER BY h.user_id)
FROM poison p {{if .position}}WHERE p.position = @position{{end}} ORDER BY p.position, p.projection
