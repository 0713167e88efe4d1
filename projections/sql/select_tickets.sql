-- Reads tables ticket, user_account of package projections.
-- See select_comments.sql for the comparisons of two columns, and for the two limits. coalesce keeps the planner from the index of the
-- tickets that were not refunded, which has another order.
{{define "direction"}}{{if .oldest_first}}ASC{{else}}DESC{{end}}{{end -}}
{{define "order"}}ORDER BY {{if .live}}live_id{{else}}user_id{{end}} {{template "direction" .}}, position {{template "direction" .}}{{end -}}
SELECT t.position, t.live_id, t.user_id, t.coins, t.share, t.at, coalesce(t.returned, 0), coalesce(t.reason, ''),
    coalesce(u.username, ''), coalesce(u.nickname, ''), coalesce(u.avatar, '')
FROM (
    SELECT * FROM ticket
    WHERE {{if .live}}(live_id, position) > (@live, @after) AND (live_id, position) < (@live, @before)
    {{else}}(user_id, position) > (@user, @after) AND (user_id, position) < (@user, @before)
    {{end}}{{if .valid}}AND coalesce(returned, 0) = 0{{end}}
    {{template "order" .}} LIMIT 500
) t LEFT JOIN user_account u ON u.id = t.user_id
{{template "order" .}} LIMIT @limit
