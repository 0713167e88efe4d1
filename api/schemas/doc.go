// Package schemas serves the JSON Schemas of the events that a replay returns, one for each event version. "roomlog docs"
// writes the schemas of the current versions; those of earlier versions stay as they are. The schemas contain no data
// of a log.
package schemas
