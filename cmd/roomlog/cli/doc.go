// Package cli is what all commands of roomlog share: the global flags, the standard streams, the logger, and the way
// to the database and the data folder. It contains no command and no rule.
package cli
