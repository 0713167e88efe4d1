-- Writes table share_rule of package projections.
INSERT INTO share_rule (rule, basis_points, reason, position, at)
SELECT * FROM unnest($1::bigint[], $2::int[], $3::text[], $4::bigint[], $5::timestamptz[])
