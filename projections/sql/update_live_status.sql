-- Writes table live of package projections.
UPDATE live SET status = n.status, updated_at = greatest(live.created_at, n.at)
FROM unnest($1::bigint[], $2::int[], $3::timestamptz[]) AS n (id, status, at) WHERE live.id = n.id
