-- Reads table checkpoint of package eventstore/consumer and tables live_coin, live_online, look_count of package projections.
SELECT w.id, (SELECT position FROM checkpoint WHERE consumer_group = 'projections'),
    coalesce(a.online, 0), coalesce(k.viewers, 0), coalesce(c.coins, 0)
FROM unnest($1::bigint[]) AS w (id)
LEFT JOIN live_online a ON a.live_id = w.id
LEFT JOIN look_count k ON k.live_id = w.id
LEFT JOIN live_coin c ON c.live_id = w.id
