-- Reads table chat_room of package projections.
SELECT id, name, name_key, position, created_at FROM chat_room
{{if .id}}WHERE id = $1{{else if .name}}WHERE name_key = $1{{else}}ORDER BY position{{end}}
