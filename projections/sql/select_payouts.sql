-- Reads table events of package eventstore and table payout of package projections.
-- The status of the payouts of one streamer is compared without the index of all payouts that are held.
{{define "direction"}}{{if .oldest_first}}ASC{{else}}DESC{{end}}{{end -}}
SELECT p.id, p.streamer, p.coins, p.status, r.metadata->>'actor', p.reason, p.position, p.requested_at,
    coalesce(d.metadata->>'actor', ''), coalesce(p.note, ''), coalesce(p.decided, 0), p.decided_at
FROM (
    SELECT id, streamer, coins, status, reason, position, requested_at, note, decided, decided_at FROM payout
    WHERE {{if .streamer}}streamer = @streamer AND {{if .held}}status || '' = 'held' AND{{end}}{{else if .held}}status = 'held' AND{{end}} position > @after AND position < @before
    ORDER BY position {{template "direction" .}} LIMIT @limit
) p JOIN events r ON r.position = p.position LEFT JOIN events d ON d.position = p.decided
ORDER BY p.position {{template "direction" .}}
