-- Writes table user_key of package eventstore.
DELETE FROM user_key WHERE user_id = ANY ($1)
