-- Reads table events of package eventstore and table payout of package projections.
SELECT p.id, p.streamer, p.coins, p.status, r.metadata->>'actor', p.reason, p.position, p.requested_at,
    coalesce(d.metadata->>'actor', ''), coalesce(p.note, ''), coalesce(p.decided, 0), p.decided_at
FROM payout p JOIN events r ON r.position = p.position LEFT JOIN events d ON d.position = p.decided
WHERE p.id = $1
