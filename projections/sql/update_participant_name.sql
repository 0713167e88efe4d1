-- Writes table participant of package projections.
UPDATE participant SET nickname = n.nickname, name_key = n.key
FROM unnest($1::bigint[], $2::text[], $3::text[]) AS n (id, nickname, key) WHERE participant.id = n.id
