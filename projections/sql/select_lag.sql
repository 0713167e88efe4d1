-- Reads table events of package eventstore and table checkpoint of package eventstore/consumer and tables coin_hold, poison of package projections.
SELECT coalesce(c.position, 0), coalesce(h.position, 0), n.recorded_at, (SELECT count(*) FROM poison WHERE set_aside IS NULL),
    k.users, k.everybody, k.since
FROM (SELECT count(DISTINCT user_id) FILTER (WHERE user_id > 0) AS users, coalesce(bool_or(user_id = 0), false) AS everybody,
    coalesce(min(position), 0) AS since FROM coin_hold) AS k
LEFT JOIN checkpoint c ON c.consumer_group = 'projections'
LEFT JOIN (SELECT position FROM events ORDER BY position DESC LIMIT 1) h ON true
LEFT JOIN events n ON n.position = coalesce(c.position, 0) + 1
