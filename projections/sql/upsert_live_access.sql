-- Writes table live_access of package projections.
INSERT INTO live_access (live_id, access, credential, price)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[])
ON CONFLICT (live_id) DO UPDATE SET access = excluded.access, credential = excluded.credential, price = excluded.price
