-- Writes table live of package projections.
UPDATE live SET record = n.record FROM unnest($1::bigint[], $2::text[]) AS n (id, record) WHERE live.id = n.id
