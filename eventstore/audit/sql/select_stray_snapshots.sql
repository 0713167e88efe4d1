-- Reads tables events, snapshot of package eventstore.
-- Rows of streams, versions or formats that do not exist. $1 is the prefixes of streams that have a state, $2 the newest format of
-- each. Snapshots of older formats are ignored by all readers.
SELECT format('version %s of %s does not exist in format %s: delete the row', s.version, s.stream, s.format) FROM snapshot s
LEFT JOIN unnest($1::text[], $2::int[]) AS k (prefix, format) ON k.prefix = split_part(s.stream, '-', 1)
WHERE k.prefix IS NULL OR s.format < 1 OR s.format > k.format
   OR NOT EXISTS (SELECT FROM events e WHERE e.stream = s.stream AND e.version = s.version)
ORDER BY s.stream, s.version LIMIT $3
