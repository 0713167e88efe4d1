-- Reads table events of package eventstore.
-- Returns one row without an event if the checkpoint was locked and the log has nothing after it: the event of the checkpoint may
-- be missing.
WITH own AS MATERIALIZED (
    {checkpoint}
)
SELECT e.*, own.position AS after, own.generation, own.event_id,
    (SELECT event_id FROM events WHERE position = own.position) AS found
FROM own LEFT JOIN LATERAL (
    SELECT position, stream, version, event_id, type, payload, live_id, recorded_at
    FROM events WHERE position > own.position ORDER BY position LIMIT {limit}
) e ON true
ORDER BY e.position
