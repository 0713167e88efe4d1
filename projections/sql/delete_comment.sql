-- Writes table comment of package projections.
DELETE FROM comment WHERE position = ANY ($1::bigint[])
