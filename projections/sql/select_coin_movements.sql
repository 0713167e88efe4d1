-- Reads table coin_movement of package projections.
SELECT position, account, amount, balance_after, coalesce(order_id, ''), coalesce(live_id, 0), coalesce(gift_id, 0), at
FROM coin_movement WHERE account = $1 AND position > $2 AND position < $3
ORDER BY position {{if .oldest_first}}ASC{{else}}DESC{{end}}, seq {{if .oldest_first}}ASC{{else}}DESC{{end}} LIMIT $4
