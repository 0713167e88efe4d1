-- Writes table message of package projections.
UPDATE message SET text = 'erased', nickname = 'erased'
WHERE user_id > 0 AND user_id = ANY ($1) OR user_id = 0 AND participant_id = ANY (ARRAY(SELECT -owner FROM unnest($1::bigint[]) AS o (owner) WHERE owner < 0))
