// Command roomlog is the backend of a live-streaming app. "roomlog serve" runs the server; the other commands
// administer its log. This package parses the command line, maps errors to exit codes and gives advice about errors.
// Package serve connects the parts of the server, package admin contains the commands about the log, and packages such as
// backup, bridge and demo contain one command each. Package cli contains what all commands use.
//
// "roomlog serve" needs no set-up. Without DATABASE_URL it runs a private PostgreSQL in the data folder, restarts it
// when it dies, and stops it last. The administrative commands can run while a server uses the same data folder or
// database. Without a server, they run the private PostgreSQL until they have finished.
//
// Exit codes: 0 success, 1 failure, 2 wrong arguments or settings, 3 a check, such as "verify", has found a fault.
package main
