-- Reads table events of package eventstore.
SELECT format('event id %s is used at the positions %s', event_id, string_agg(position::text, ', ' ORDER BY position))
FROM events GROUP BY event_id HAVING count(*) > 1 LIMIT $1
