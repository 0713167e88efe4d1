UPDATE person SET denied_until = n.until
FROM unnest($1::bigint[], $2::bigint[]) AS n (id, until) WHERE person.id = n.id
