-- Writes table email of package projections.
UPDATE email SET key = n.key FROM unnest($1::bigint[], $2::text[]) AS n (user_id, key) WHERE email.user_id = n.user_id
