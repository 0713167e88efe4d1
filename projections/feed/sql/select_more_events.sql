-- Reads table events of package eventstore.
-- Returns whether the log contains more than $4 events of some types.
SELECT EXISTS (SELECT FROM events WHERE type = ANY ($1) AND position > $2 AND position <= $3 OFFSET $4)
