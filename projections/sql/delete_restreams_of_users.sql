-- Writes table restream of package projections.
DELETE FROM restream USING unnest($1::bigint[]) AS n (owner) WHERE user_id = n.owner
