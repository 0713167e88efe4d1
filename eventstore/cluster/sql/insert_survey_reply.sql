-- Writes table survey_reply of package eventstore/cluster.
-- Inserts a reply, and deletes replies that are older than a minute: their surveys have ended.
WITH old AS (DELETE FROM survey_reply WHERE created_at < now() - interval '1 minute')
INSERT INTO survey_reply (survey, node, payload, created_at) VALUES ($1, $2, $3, now())
ON CONFLICT DO NOTHING
