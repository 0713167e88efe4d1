-- Reads tables comment, report, report_entry, user_account of package projections.
-- LIMIT 500 is the size of the largest page: the planner needs a constant, because a generic plan does not depend on @limit.
{{define "direction"}}{{if .oldest_first}}ASC{{else}}DESC{{end}}{{end -}}
SELECT r.position, r.live_id, r.report, r.target_id, coalesce(u.username, ''), coalesce(u.nickname, ''), coalesce(u.avatar, ''),
    r.comment, coalesce(c.text, ''), r.at, r.claimer, r.claimed_until, r.decision, e.entries
FROM (
    SELECT * FROM report
    WHERE {{if .live}}(live_id, position) > (@live, @after) AND (live_id, position) < (@live, @before)
    AND target_id <> ALL (@hidden::bigint[])
    {{else}}position > @after AND position < @before
    {{end}}{{if .open}}AND decision = ''
    {{end}}    ORDER BY {{if .live}}live_id {{template "direction" .}}, {{end}}position {{template "direction" .}} LIMIT 500
) r LEFT JOIN user_account u ON u.id = r.target_id
LEFT JOIN comment c ON c.position = r.comment
CROSS JOIN LATERAL (
    SELECT coalesce(json_agg(json_build_object('user', user_id, 'cause', cause, 'text', text, 'at', at) ORDER BY position), '[]') AS entries
    FROM report_entry WHERE live_id = r.live_id AND report = r.report
) e
ORDER BY {{if .live}}r.live_id {{template "direction" .}}, {{end}}r.position {{template "direction" .}} LIMIT @limit
