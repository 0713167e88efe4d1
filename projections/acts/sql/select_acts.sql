-- Reads table events of package eventstore and table moderation_act of package projections.
-- LIMIT 500 is the size of the largest page: the planner needs a constant, because a generic plan does not depend on @limit.
{{define "direction"}}{{if .oldest_first}}ASC{{else}}DESC{{end}}{{end -}}
SELECT e.position, e.stream, e.version, e.event_id, e.type, e.payload, e.recorded_at, coalesce(e.metadata->>'actor', '')
FROM (
    SELECT position FROM moderation_act
    {{if .user}}WHERE (user_id, live_id, position) > (@user, @live, @after) AND (user_id, live_id, position) < (@user, @live, @before)
    ORDER BY user_id {{template "direction" .}}, live_id {{template "direction" .}}, position {{template "direction" .}} LIMIT 500
    {{else}}WHERE (live_id, position) > (@live, @after) AND (live_id, position) < (@live, @before)
    ORDER BY live_id {{template "direction" .}}, position {{template "direction" .}} LIMIT 500
    {{end}}
) a CROSS JOIN LATERAL (SELECT * FROM events WHERE position = a.position LIMIT 1) e
ORDER BY e.position {{template "direction" .}} LIMIT @limit
