-- Reads table events of package eventstore and table checkpoint of package eventstore/consumer and table poison of package projections.
SELECT coalesce(c.position, 0), coalesce(h.position, 0), n.recorded_at, (SELECT count(*) FROM poison)
FROM (VALUES (1)) AS one (row)
LEFT JOIN checkpoint c ON c.consumer_group = 'projections'
LEFT JOIN (SELECT position FROM events ORDER BY position DESC LIMIT 1) h ON true
LEFT JOIN events n ON n.position = coalesce(c.position, 0) + 1
