UPDATE person SET disabled = n.disabled
FROM unnest($1::bigint[], $2::bool[]) AS n (id, disabled) WHERE person.id = n.id
