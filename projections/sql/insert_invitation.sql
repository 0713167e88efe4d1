-- Writes table invitation of package projections.
INSERT INTO invitation (live_id, id, uses, used, until)
SELECT live, number, uses, 0, until FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]) AS n (live, number, uses, until)
