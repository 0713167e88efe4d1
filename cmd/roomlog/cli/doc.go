// Package cli contains what all commands of roomlog use: the global flags, the standard streams, the logger, and access
// to the database and the data folder. It contains no command and no rule of the domain.
package cli
