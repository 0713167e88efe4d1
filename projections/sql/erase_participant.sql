-- Writes table participant of package projections.
UPDATE participant SET nickname = 'erased'
WHERE user_id > 0 AND user_id = ANY ($1) OR user_id = 0 AND id = ANY (ARRAY(SELECT -owner FROM unnest($1::bigint[]) AS o (owner) WHERE owner < 0))
