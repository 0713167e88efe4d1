-- Writes table gift of package projections.
INSERT INTO gift (id, name, image, price, available)
SELECT *, true FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[])
