-- Rows of streams or versions that do not exist. $1 is the prefixes of streams that have a state.
SELECT format('version %s of %s does not exist: delete the row', s.version, s.stream) FROM snapshot s
WHERE NOT split_part(s.stream, '-', 1) = ANY ($1)
   OR NOT EXISTS (SELECT FROM events e WHERE e.stream = s.stream AND e.version = s.version)
ORDER BY s.stream, s.version LIMIT $2
