-- Reads tables follow, user_account of package projections.
-- LIMIT 500 is the size of the largest page: the planner needs a constant.
SELECT f.person, coalesce(u.username, ''), coalesce(u.nickname, ''), coalesce(u.avatar, ''), f.position, f.since
FROM (
    SELECT {{if .streamers}}streamer_id{{else}}user_id{{end}} AS person, position, since FROM follow
    WHERE {{if .streamers}}user_id{{else}}streamer_id{{end}} = $1 AND position > $2 AND position < $3
    ORDER BY position {{if .oldest_first}}ASC{{else}}DESC{{end}} LIMIT 500
) f LEFT JOIN user_account u ON u.id = f.person
ORDER BY f.position {{if .oldest_first}}ASC{{else}}DESC{{end}} LIMIT $4
