-- Writes table restream of package projections.
DELETE FROM restream USING unnest($1::bigint[]) AS n (live) WHERE live_id = n.live
