UPDATE person SET age = n.age FROM unnest($1::bigint[], $2::bigint[]) AS n (id, age) WHERE person.id = n.id
