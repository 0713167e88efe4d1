-- Reads tables moderator, user_account of package projections.
-- LIMIT 50 is the maximum number of moderators of a live: the planner needs a constant.
SELECT m.user_id, coalesce(u.username, ''), coalesce(u.nickname, ''), coalesce(u.avatar, '')
FROM (SELECT user_id, position FROM moderator WHERE live_id = $1 ORDER BY position LIMIT 50) m
LEFT JOIN user_account u ON u.id = m.user_id
ORDER BY m.position
