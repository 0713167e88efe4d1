-- Reads table command of package eventstore.
SELECT c.actor, c.key, c.hash, c.position, c.events, c.refusal, c.refusal_text
FROM unnest($1::text[], $2::text[]) AS w (actor, key)
JOIN command c ON c.actor = w.actor AND c.key = w.key
