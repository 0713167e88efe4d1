-- Reads table events of package eventstore and table coin_movement of package projections.
SELECT m.position, m.at, e.type, e.metadata->>'actor', coalesce(m.order_id, ''), coalesce(m.live_id, 0), coalesce(m.gift_id, 0),
    coalesce((e.payload->>'position')::bigint, 0), coalesce(e.payload->>'payout', ''), coalesce((e.payload->>'correction')::bigint, 0), m.amount,
    ARRAY (SELECT o.account FROM coin_movement o WHERE o.position = m.position AND o.seq <> m.seq ORDER BY o.seq)
FROM (
    SELECT position, seq, at, order_id, live_id, gift_id, amount FROM coin_movement
    WHERE account = @account AND position > @after AND position <= @up_to
    ORDER BY position {{if .newest_first}}DESC{{end}} LIMIT @limit
) m JOIN events e ON e.position = m.position
ORDER BY m.position {{if .newest_first}}DESC{{end}}
