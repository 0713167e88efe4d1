WITH own AS MATERIALIZED (
    {checkpoint}
)
SELECT position, stream, version, event_id, type, payload, live_id, recorded_at,
    (SELECT position FROM own) AS after, (SELECT generation FROM own)
FROM events WHERE position > (SELECT position FROM own) ORDER BY events.position LIMIT {limit}
