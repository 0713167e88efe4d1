-- Reads tables gift_record, recording, user_account of package projections.
-- See select_comments.sql for the comparisons of two columns, and for the two limits.
{{define "direction"}}{{if .oldest_first}}ASC{{else}}DESC{{end}}{{end -}}
{{define "order"}}ORDER BY {{if .live}}live_id {{template "direction" .}}, {{else if .streamer}}streamer {{template "direction" .}}, {{else if .sender}}sender {{template "direction" .}}, {{end}}position {{template "direction" .}}{{end -}}
SELECT g.position, g.id, g.live_id, g.streamer, g.sender, coalesce(u.username, ''), coalesce(u.nickname, ''), coalesce(u.avatar, ''),
    g.gift_id, g.name, g.image, g.price, g.num, g.coins, g.share, g.at, coalesce(g.refunded, 0)
FROM (
    SELECT position, id, live_id, streamer, sender, gift_id, name, image, price, num, coins, share, at, refunded FROM gift_record
    WHERE {{if .live}}(live_id, position) > (@live, @after) AND (live_id, position) < (@live, @before)
        {{if .streamer}}AND streamer = @streamer{{end}} {{if .sender}}AND sender = @sender{{end}}{{if .recorded}}
        AND at <@ (
            SELECT range_agg(tstzrange(p.began, p.began + p.ms * interval '1 ms'))
            FROM recording r JOIN user_account o ON o.id = r.user_id CROSS JOIN LATERAL (
                SELECT (part->>'started_at')::timestamptz began, (part->>'duration_ms')::bigint ms
                FROM jsonb_array_elements(CASE jsonb_typeof(r.parts) WHEN 'array' THEN r.parts ELSE '[]' END) part
            ) p
            WHERE r.live_id = @live AND r.deleted_at IS NULL AND r.ended_at IS NOT NULL AND NOT (o.disabled OR o.forgotten)
        ){{end}}
    {{else if .streamer}}(streamer, position) > (@streamer, @after) AND (streamer, position) < (@streamer, @before)
        {{if .sender}}AND sender = @sender{{end}}
    {{else if .sender}}(sender, position) > (@sender, @after) AND (sender, position) < (@sender, @before)
    {{else}}position > @after AND position < @before
    {{end}}{{if .gift}}AND gift_id = @gift{{end}}
    {{template "order" .}} LIMIT 500
) g LEFT JOIN user_account u ON u.id = g.sender
{{template "order" .}} LIMIT @limit
