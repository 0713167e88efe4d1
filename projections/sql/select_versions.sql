-- Reads table projection of package projections.
SELECT name, version FROM projection
