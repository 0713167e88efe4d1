-- Uses no table of roomlog.
-- The questions of analysts, for DuckDB and for PostgreSQL. The views of event types are below them; times are in UTC.

-- Positions of events that operators have set aside: they have no effect.
CREATE OR REPLACE VIEW analytics.set_aside AS
SELECT data_position AS position FROM analytics.event_set_aside_v1;

-- One row for each visit of a viewer. left_at and seconds are NULL while the viewer is present.
CREATE OR REPLACE VIEW analytics.visits AS
SELECT live, viewer, first_visit, position, joined_at, left_at,
    CAST(extract(epoch FROM left_at - joined_at) AS double precision) AS seconds
FROM (
    SELECT live, viewer, joined, first_visit, position, at_utc AS joined_at,
        lead(CASE WHEN NOT joined THEN at_utc END) OVER (PARTITION BY live, viewer ORDER BY position) AS left_at
    FROM (
        SELECT live, "user" AS viewer, true AS joined, first_visit, position, at_utc FROM analytics.viewer_joined_v1
        UNION ALL
        SELECT live, "user", false, NULL, position, at_utc FROM analytics.viewer_left_v1
    ) AS changes
) AS stays
WHERE joined;

-- Concurrent viewers: the number of present viewers of a live after each join and leave.
CREATE OR REPLACE VIEW analytics.viewers_over_time AS
SELECT live, at_utc, position, CAST(sum(change) OVER (PARTITION BY live ORDER BY position) AS bigint) AS viewers
FROM (
    SELECT live, at_utc, position, 1 AS change FROM analytics.viewer_joined_v1
    UNION ALL
    SELECT live, at_utc, position, -1 FROM analytics.viewer_left_v1
) AS changes;

-- The most concurrent viewers of each live.
CREATE OR REPLACE VIEW analytics.peak_viewers AS
SELECT live, max(viewers) AS viewers FROM analytics.viewers_over_time GROUP BY live;

-- Watch time of each live. Visits that have not ended count as visits only.
CREATE OR REPLACE VIEW analytics.watch_time AS
SELECT live, count(DISTINCT viewer) AS viewers, count(*) AS visits, coalesce(sum(seconds), 0) AS seconds, avg(seconds) AS seconds_per_visit
FROM analytics.visits GROUP BY live;

-- Viewers of each day: new ones, who were never in a live before that day, and returning ones.
CREATE OR REPLACE VIEW analytics.viewers_by_day AS
SELECT day, count(*) FILTER (WHERE day = first_day) AS new_viewers, count(*) FILTER (WHERE day > first_day) AS returning_viewers
FROM (
    SELECT viewer, day, min(day) OVER (PARTITION BY viewer) AS first_day
    FROM (SELECT DISTINCT viewer, CAST(joined_at AS date) AS day FROM analytics.visits) AS days
) AS viewers
GROUP BY day;

-- Viewers of each live: new ones, for whom it was the first live of all, and returning ones.
CREATE OR REPLACE VIEW analytics.viewers_by_live AS
SELECT live, count(*) FILTER (WHERE position = first_position) AS new_viewers, count(*) FILTER (WHERE position > first_position) AS returning_viewers
FROM (
    SELECT live, viewer, position, min(position) OVER (PARTITION BY viewer) AS first_position
    FROM (SELECT live, viewer, min(position) AS position FROM analytics.visits GROUP BY live, viewer) AS first_visits
) AS viewers
GROUP BY live;

-- Retention by week: of the viewers whose first visit was in first_week, how many visited a live weeks_later weeks later.
CREATE OR REPLACE VIEW analytics.retention AS
SELECT first_week, CAST(floor((week - first_week) / 7.0) AS int) AS weeks_later, count(*) AS viewers
FROM (
    SELECT viewer, week, min(week) OVER (PARTITION BY viewer) AS first_week
    FROM (SELECT DISTINCT viewer, CAST(date_trunc('week', joined_at) AS date) AS week FROM analytics.visits) AS weeks
) AS viewers
GROUP BY first_week, week;

-- Gifts that have an effect: neither set aside nor refunded.
CREATE OR REPLACE VIEW analytics.gifts AS
SELECT position, at_utc, live, streamer, sender, gift, name, price, num, coins
FROM analytics.gift_sent_v2 AS g
WHERE NOT EXISTS (SELECT 1 FROM analytics.set_aside AS s WHERE s.position = g.position)
    AND NOT EXISTS (SELECT 1 FROM analytics.gift_record_refunded_v1 AS r WHERE r.data_position = g.position);

-- Gift revenue by hour.
CREATE OR REPLACE VIEW analytics.gifts_by_hour AS
SELECT date_trunc('hour', at_utc) AS hour, CAST(sum(num) AS bigint) AS gifts, CAST(sum(coins) AS bigint) AS coins
FROM analytics.gifts GROUP BY date_trunc('hour', at_utc);

-- Gift revenue by streamer.
CREATE OR REPLACE VIEW analytics.gifts_by_streamer AS
SELECT streamer, CAST(sum(num) AS bigint) AS gifts, CAST(sum(coins) AS bigint) AS coins, count(DISTINCT sender) AS senders
FROM analytics.gifts GROUP BY streamer;

-- Gift revenue by gift. The name is that of the newest sale.
CREATE OR REPLACE VIEW analytics.gifts_by_gift AS
SELECT gift, max(newest_name) AS name, CAST(sum(num) AS bigint) AS gifts, CAST(sum(coins) AS bigint) AS coins
FROM (
    SELECT gift, num, coins, first_value(name) OVER (PARTITION BY gift ORDER BY position DESC) AS newest_name FROM analytics.gifts
) AS named
GROUP BY gift;

-- The users who gave most to each streamer; place 1 gave most.
CREATE OR REPLACE VIEW analytics.top_fans AS
SELECT streamer, sender, gifts, coins, rank() OVER (PARTITION BY streamer ORDER BY coins DESC) AS place
FROM (
    SELECT streamer, sender, CAST(sum(num) AS bigint) AS gifts, CAST(sum(coins) AS bigint) AS coins FROM analytics.gifts GROUP BY streamer, sender
) AS totals;

-- Tickets that were bought and have an effect, with whether they were refunded.
CREATE OR REPLACE VIEW analytics.tickets AS
SELECT position, at_utc, live, streamer, viewer, coins, share, refunded
FROM (
    SELECT position, at_utc, live, streamer, viewer, coins, share, bought,
        coalesce(lead(NOT bought) OVER (PARTITION BY live, viewer ORDER BY position), false) AS refunded
    FROM (
        SELECT position, at_utc, live, streamer, "user" AS viewer, coins, share, true AS bought FROM analytics.ticket_bought_v1
        UNION ALL
        SELECT position, at_utc, live, streamer, "user", coins, share, false FROM analytics.ticket_refunded_v2
    ) AS changes
) AS purchases
WHERE bought AND NOT EXISTS (SELECT 1 FROM analytics.set_aside AS s WHERE s.position = purchases.position);

-- Ticket revenue by live: coins and the platform's share of the tickets that were not refunded.
CREATE OR REPLACE VIEW analytics.tickets_by_live AS
SELECT live, streamer, count(*) AS sold, count(*) FILTER (WHERE refunded) AS refunded,
    CAST(coalesce(sum(coins) FILTER (WHERE NOT refunded), 0) AS bigint) AS coins,
    CAST(coalesce(sum(share) FILTER (WHERE NOT refunded), 0) AS bigint) AS share
FROM analytics.tickets GROUP BY live, streamer;

-- Chat activity: comments of each live and minute.
CREATE OR REPLACE VIEW analytics.chat_activity AS
SELECT live, date_trunc('minute', at_utc) AS minute, count(*) AS comments, count(DISTINCT "user") AS users
FROM analytics.comment_posted_v1 GROUP BY live, date_trunc('minute', at_utc);
