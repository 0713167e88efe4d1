-- Reads table events of package eventstore.
-- See select_typed_events.sql for the comparisons of two columns.
{{if .stream -}}
SELECT count(*) FROM events
WHERE stream = @stream AND position > @after AND position <= @up_to {{if .types}}AND type = ANY (@types){{end}} {{if .live}}AND live_id = @live{{end}}
{{- else if .live -}}
SELECT count(*) FROM events
WHERE live_id IS NOT NULL AND (live_id, position) > (@live, @after) AND (live_id, position) <= (@live, @up_to) {{if .types}}AND type = ANY (@types){{end}}
{{- else if .types -}}
SELECT count(*) FROM unnest(@types::text[]) AS t (type)
CROSS JOIN LATERAL (SELECT FROM events WHERE (type, position) > (t.type, @after) AND (type, position) <= (t.type, @up_to)) e
{{- else -}}
SELECT count(*) FROM events WHERE position > @after AND position <= @up_to
{{- end}}
