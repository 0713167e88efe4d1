-- Reads table events of package eventstore and table share_rule of package projections.
SELECT s.rule, s.basis_points, e.metadata->>'actor', s.reason, s.position, s.at
FROM (SELECT rule, basis_points, reason, position, at FROM share_rule WHERE rule < $1 ORDER BY rule DESC LIMIT $2) s
JOIN events e ON e.position = s.position
ORDER BY s.rule DESC
