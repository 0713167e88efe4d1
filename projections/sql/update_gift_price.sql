-- Writes table gift of package projections.
UPDATE gift SET price = n.price FROM unnest($1::bigint[], $2::bigint[]) AS n (id, price) WHERE gift.id = n.id
