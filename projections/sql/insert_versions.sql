-- Writes table projection of package projections.
INSERT INTO projection (name, version) SELECT * FROM unnest($1::text[], $2::int[])
