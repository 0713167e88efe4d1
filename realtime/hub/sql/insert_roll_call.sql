-- Answers that nobody fetched are old ones.
WITH old AS (DELETE FROM roll_call WHERE at < now() - interval '1 minute')
INSERT INTO roll_call (call, process, sockets, total, at) VALUES ($1, $2, $3, $4, now())
