-- Reads table comment of package projections.
SELECT position FROM comment WHERE position = ANY ($1::bigint[])
