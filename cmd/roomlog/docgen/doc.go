// Package docgen writes documents from the code: docs/EVENTS.md is what the catalogue of package
// domain lists, with the comments of its source and its golden files. What is said about a command,
// an event or a field is said once, where it is declared.
package docgen
