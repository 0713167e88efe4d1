-- Reads tables held_comment, user_account of package projections.
-- The package domain limits how many comments wait in a live: 500 is the size of the largest page, too.
{{define "direction"}}{{if .oldest_first}}ASC{{else}}DESC{{end}}{{end -}}
SELECT h.position, h.held, h.user_id, coalesce(u.username, ''), coalesce(u.nickname, ''), coalesce(u.avatar, ''), h.text, h.cause, h.at
FROM (
    SELECT * FROM held_comment
    WHERE (live_id, position) > (@live, @after) AND (live_id, position) < (@live, @before){{if .user}} AND user_id = @user{{end}}
    ORDER BY live_id {{template "direction" .}}, position {{template "direction" .}} LIMIT 500
) h LEFT JOIN user_account u ON u.id = h.user_id
ORDER BY h.live_id {{template "direction" .}}, h.position {{template "direction" .}} LIMIT @limit
