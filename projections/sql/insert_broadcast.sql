-- Writes table broadcast of package projections.
INSERT INTO broadcast (id, live_id, node, video, width, height, audio, started_at, stopped_at, cause, bytes)
SELECT id, live, node, video, width, height, audio, started, CASE WHEN stopped IS NOT NULL THEN greatest(started, stopped) END, cause, bytes
FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::int[], $6::int[], $7::text[], $8::timestamptz[],
    $9::timestamptz[], $10::text[], $11::bigint[])
    AS n (id, live, node, video, width, height, audio, started, stopped, cause, bytes)
