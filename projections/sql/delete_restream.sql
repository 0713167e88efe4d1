-- Writes table restream of package projections.
DELETE FROM restream USING unnest($1::bigint[], $2::text[]) AS n (live, name) WHERE live_id = n.live AND target = n.name
