SELECT name, version FROM projection
