// Package analytics generates SQL views for analysts: for DuckDB over the Parquet files of an export, and for PostgreSQL
// over the log, in a schema that a read-only role may read.
//
// Each event type is a view, analytics.gift_sent_v2 for gift.sent.v2 and its earlier versions, with the same columns in both databases. The views
// follow from the Go types of the events and never contain private fields. The questions are views over these views,
// with one definition for both databases, in sql/questions.sql.
package analytics
