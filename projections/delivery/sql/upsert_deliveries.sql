-- Writes tables gift_delivery, live_delivery of package projections/delivery. Reads table events of package eventstore and table gift of package projections.
WITH counted AS MATERIALIZED (
    SELECT u.* FROM unnest($1::bigint[], $2::uuid[], $3::bigint[], $4::timestamptz[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[])
        AS u(position, event_id, live_id, sent_at, sent, acknowledged, streamer_sent, streamer_acknowledged)
    WHERE u.event_id = (SELECT e.event_id FROM events e WHERE e.position = u.position) -- not a gift that the log has lost
), gift AS (
    INSERT INTO gift_delivery AS d (position, event_id, sent_at, sent, acknowledged, streamer_sent, streamer_acknowledged)
    SELECT position, event_id, sent_at, sent, acknowledged, streamer_sent, streamer_acknowledged FROM counted ORDER BY position
    ON CONFLICT (position, event_id) DO UPDATE SET sent = d.sent + excluded.sent, acknowledged = d.acknowledged + excluded.acknowledged,
        streamer_sent = d.streamer_sent + excluded.streamer_sent, streamer_acknowledged = d.streamer_acknowledged + excluded.streamer_acknowledged
    RETURNING d.position, d.xmax = 0 AS new
)
INSERT INTO live_delivery AS l (live_id, gifts, sent, acknowledged, streamer_sent, streamer_acknowledged)
SELECT c.live_id, count(*) FILTER (WHERE g.new), sum(c.sent), sum(c.acknowledged), sum(c.streamer_sent), sum(c.streamer_acknowledged)
FROM counted c JOIN gift g USING (position) GROUP BY c.live_id ORDER BY c.live_id
ON CONFLICT (live_id) DO UPDATE SET gifts = l.gifts + excluded.gifts, sent = l.sent + excluded.sent, acknowledged = l.acknowledged + excluded.acknowledged,
    streamer_sent = l.streamer_sent + excluded.streamer_sent, streamer_acknowledged = l.streamer_acknowledged + excluded.streamer_acknowledged
