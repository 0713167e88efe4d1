-- Reads table events of package eventstore and table coin_movement of package projections.
-- The events that have moved the earnings of a streamer or the coins that are held for payouts. Each of the two accounts has at
-- least the first entries of the page.
WITH page AS (
    (SELECT position FROM coin_movement WHERE account = @earnings AND position > @after AND position <= @up_to ORDER BY position LIMIT @limit)
    UNION
    (SELECT position FROM coin_movement WHERE account = @held AND position > @after AND position <= @up_to ORDER BY position LIMIT @limit)
    ORDER BY position LIMIT @limit
)
SELECT e.position, e.recorded_at, e.event_id, e.type, m.live, m.gift,
    coalesce((e.payload->>'position')::bigint, 0), coalesce(e.payload->>'payout', ''), coalesce((e.payload->>'correction')::bigint, 0),
    m.wallets, m.platform, m.earnings, m.held
FROM page JOIN events e USING (position) CROSS JOIN LATERAL (
    SELECT coalesce(max(live_id), 0) AS live, coalesce(max(gift_id), 0) AS gift,
        coalesce(sum(amount) FILTER (WHERE account LIKE 'user-%'), 0)::bigint AS wallets,
        coalesce(sum(amount) FILTER (WHERE account = 'platform'), 0)::bigint AS platform,
        coalesce(sum(amount) FILTER (WHERE account = @earnings), 0)::bigint AS earnings,
        coalesce(sum(amount) FILTER (WHERE account = @held), 0)::bigint AS held
    FROM coin_movement WHERE coin_movement.position = page.position
) m
ORDER BY e.position
