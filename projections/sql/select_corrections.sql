-- Reads tables coin, correction of package projections.
SELECT r.id, r.account, r.user_id, r.coins, r.proposer, r.reason, r.proposed_at, r.expires_at, r.status, coalesce(c.received, 0)
FROM correction r LEFT JOIN coin c ON c.account = r.account
WHERE {{if .id}}r.id = $1{{else}}r.id < $1 {{if .open}}AND r.status = 'open'{{end}} ORDER BY r.id DESC LIMIT $2{{end}}
