// Package docgen generates documents from the code: docs/EVENTS.md from the catalogue, the comments and the golden
// files of package domain, and docs/openapi.json and docs/asyncapi.json from the servers. A command, an event or a
// field is described once, where it is declared. The package never reads a database.
package docgen
