-- Writes table snapshot of package eventstore.
DELETE FROM snapshot WHERE stream = ANY ($1::text[])
