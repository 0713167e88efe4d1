-- Reads tables credential, events of package eventstore and table checkpoint of package eventstore/consumer and tables live, live_access, poison, user_account of package projections.
SELECT c.id FROM credential c
WHERE {{if .candidates}}c.id = ANY (@candidates) AND{{end}} c.created_at < (
        SELECT e.recorded_at - interval '1 hour' FROM checkpoint k JOIN events e USING (position)
        WHERE k.consumer_group = @group)
  AND NOT EXISTS (SELECT FROM user_account u WHERE u.credential = c.id::text)
  AND NOT EXISTS (SELECT FROM live_access a WHERE a.credential = c.id::text AND NOT EXISTS (
        SELECT FROM live l JOIN user_account u ON u.id = l.user_id WHERE l.id = a.live_id AND u.forgotten))
  AND NOT EXISTS (SELECT FROM poison)
LIMIT @limit
