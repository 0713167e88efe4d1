-- Writes table correction of package projections.
UPDATE correction SET status = n.status FROM unnest($1::bigint[], $2::text[]) AS n (id, status) WHERE correction.id = n.id
