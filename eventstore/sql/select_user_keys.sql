-- Reads table user_key of package eventstore.
SELECT user_id, key FROM user_key WHERE user_id = ANY ($1)
