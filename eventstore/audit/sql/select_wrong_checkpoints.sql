-- Reads table events of package eventstore and table checkpoint of package eventstore/consumer.
SELECT CASE WHEN position > $1 OR position < 0 OR generation < 0
    THEN format('row consumer_group %s: position %s is not in the log, which ends at %s', consumer_group, position, $1::bigint)
    ELSE format('row consumer_group %s: the event at position %s is not the event %s', consumer_group, position, event_id)
END
FROM checkpoint c
WHERE position > $1 OR position < 0 OR generation < 0
   OR event_id IS NOT NULL AND NOT EXISTS (SELECT FROM events e WHERE e.position = c.position AND e.event_id = c.event_id)
ORDER BY consumer_group LIMIT $2
