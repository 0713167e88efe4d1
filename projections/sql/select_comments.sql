-- Reads tables comment, recording, user_account of package projections.
-- The comparisons of (live_id, position) make PostgreSQL use the index of these two columns, because no other index has this order.
-- With live_id = @live, a plan could read the rows of all lives in the order of the primary key. LIMIT 500 is the size of the largest
-- page: the planner needs a constant, because a generic plan does not depend on @limit.
{{define "direction"}}{{if .oldest_first}}ASC{{else}}DESC{{end}}{{end -}}
{{define "order"}}ORDER BY {{if .live}}live_id {{template "direction" .}}, {{else if .user}}user_id {{template "direction" .}}, {{end}}position {{template "direction" .}}{{end -}}
SELECT c.position, c.id, c.live_id, c.user_id, coalesce(u.username, ''), coalesce(u.nickname, ''), coalesce(u.avatar, ''), c.text, c.at
FROM (
    SELECT position, id, live_id, user_id, text, at FROM comment
    WHERE {{if .live}}(live_id, position) > (@live, @after) AND (live_id, position) < (@live, @before){{if .user}} AND user_id = @user{{end}}{{if .known}}
        AND NOT EXISTS (SELECT FROM user_account f WHERE f.id = comment.user_id AND f.forgotten){{end}}{{if .recorded}}
        AND at <@ (
            SELECT range_agg(tstzrange(p.began, p.began + p.ms * interval '1 ms'))
            FROM recording r JOIN user_account o ON o.id = r.user_id CROSS JOIN LATERAL (
                SELECT (part->>'started_at')::timestamptz began, (part->>'duration_ms')::bigint ms
                FROM jsonb_array_elements(CASE jsonb_typeof(r.parts) WHEN 'array' THEN r.parts ELSE '[]' END) part
            ) p
            WHERE r.live_id = @live AND r.deleted_at IS NULL AND r.ended_at IS NOT NULL AND NOT (o.disabled OR o.forgotten)
        ){{end}}
    {{else if .user}}(user_id, position) > (@user, @after) AND (user_id, position) < (@user, @before)
    {{else}}position > @after AND position < @before
    {{end}}{{template "order" .}} LIMIT 500
) c LEFT JOIN user_account u ON u.id = c.user_id
{{template "order" .}} LIMIT @limit
