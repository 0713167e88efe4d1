DELETE FROM credential c
WHERE c.id = ANY ($2)
  AND c.created_at < (
        SELECT e.recorded_at - interval '1 hour' FROM checkpoint k JOIN events e USING (position)
        WHERE k.consumer_group = $1)
  AND NOT EXISTS (SELECT FROM person p WHERE p.credential = c.id::text)
  AND NOT EXISTS (SELECT FROM poison)
