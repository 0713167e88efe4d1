WITH seen AS MATERIALIZED (
    {next_offset}
)
SELECT position, stream, version, event_id, type, payload, live_id, recorded_at,
    (SELECT position FROM seen) AS after, (SELECT generation FROM seen)
FROM events WHERE position > (SELECT position FROM seen) ORDER BY events.position LIMIT {limit}
