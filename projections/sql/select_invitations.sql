-- Reads table invitation of package projections.
-- LIMIT 100 is the maximum number of invitations of a live: the planner needs a constant.
SELECT id, uses, used, until FROM invitation WHERE live_id = $1 ORDER BY id LIMIT 100
