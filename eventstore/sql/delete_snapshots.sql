-- Writes table snapshot of package eventstore.
DELETE FROM snapshot s USING unnest($1::text[], $2::int[]) AS w (stream, version)
WHERE s.stream = w.stream AND s.version <= w.version
