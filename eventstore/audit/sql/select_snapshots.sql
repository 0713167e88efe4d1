-- Reads table snapshot of package eventstore.
SELECT s.stream, s.version, s.format, s.state
FROM unnest($1::text[], $2::int[]) AS w (stream, version) JOIN snapshot s ON s.stream = w.stream AND s.version = w.version
