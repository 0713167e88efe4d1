package main

import (
	"github.com/alecthomas/kong"

	"roomlog/cmd/roomlog/admin"
	"roomlog/cmd/roomlog/backup"
	"roomlog/cmd/roomlog/bridge"
	"roomlog/cmd/roomlog/cli"
	"roomlog/cmd/roomlog/demo"
	"roomlog/cmd/roomlog/docgen"
	"roomlog/cmd/roomlog/serve"
)

const about = `The backend of a live-streaming app: lives, comments, gifts and coins in one event log.

Start here:

  roomlog demo                                         look at lives, comments and gifts in a browser
  roomlog serve                                        run a server on port 7001; needs PostgreSQL or npm
  roomlog gift add --name Rose --coin 30               add a gift to the catalogue
  roomlog coins credit --user 1 --amount 100 --order A credit a user with coins
  roomlog verify                                       check the log and the tables

Environment:

  ROOMLOG_CONFIG          file with settings, as --config
  ROOMLOG_DATA            data folder, as --data
  DATABASE_URL            address of a PostgreSQL database, like postgres://user:password@host:5432/database;
                          without it roomlog runs a private PostgreSQL in the data folder
  ROOMLOG_JWT_SECRET      signs sign-in tokens
  ROOMLOG_SIGN_SECRET     signs stream addresses
  ROOMLOG_PAYMENT_SECRET  verifies the callbacks of the payment provider
  ROOMLOG_HOOK_SECRET     signs webhooks about streams
  ROOMLOG_AUDIT_SECRET    signs checkpoints of the transparency log; at least 32 bytes
  ROOMLOG_NATS_PASSWORD   password of --nats-user at the NATS servers; never generated
  ROOMLOG_NATS_TOKEN      token for the NATS servers; never generated
  ROOMLOG_OTLP_HEADERS    headers for the collector of --otlp-endpoint, like authorization=Bearer%20TOKEN,x-tenant=7; never
                          generated

A secret has at least 16 bytes. To replace a secret, set the new and the old secret, separated by a space, until nothing
uses the old secret any more. The server generates a secret that is not set, once, and keeps it in the data folder.
To read DATABASE_URL or a secret from a file, set NAME_FILE to the path of the file, for example
ROOMLOG_JWT_SECRET_FILE. The addresses in ROOMLOG_READ_URL, ROOMLOG_HOOK_URL and ROOMLOG_NPM_REGISTRY, which may contain
a password, are read from files in the same way.

Every setting has an environment variable too, which the help of the command names, and can stand in a file (--config). A flag
overrides its variable, and a variable overrides the file. roomlog config check prints all settings with their sources.
Exit codes: 0 success, 1 failure, 2 wrong arguments or settings, 3 verify, audit, witness or bridge found a fault.`

// groups contains the titles of the groups of flags, in the order of the help.
var groups = []kong.Group{
	{Key: "data", Title: "Data"},
	{Key: "output", Title: "Log messages (on standard error)"},
	{Key: "network", Title: "Network"},
	{Key: "roles", Title: "Cluster"},
	{Key: "users", Title: "Users"},
	{Key: "api", Title: "REST API"},
	{Key: "socket", Title: "WebSocket and Socket.IO connections"},
	{Key: "live", Title: "Lives"},
	{Key: "chat", Title: "Chat"},
	{Key: "media", Title: "Streams"},
	{Key: "record", Title: "Recordings"},
	{Key: "log", Title: "Event log, tables and database"},
	{Key: "traces", Title: "Traces"},
}

// commandLine contains the commands and flags of the program, as kong parses them.
type commandLine struct {
	GlobalFlags kong.Plugins `embed:""`
	globals     cli.Globals

	Serve  serve.Command `cmd:"" help:"Run the server."`
	Config struct {
		Check serve.CheckCommand `cmd:"" help:"Check all settings of serve, and print them with their sources."`
	} `cmd:"" help:"Check the settings."`
	Demo           demo.Command `cmd:"" help:"Run a server with people, lives and moving pictures, to look at."`
	admin.Commands `embed:""`
	Bridge         bridge.Command        `cmd:"" help:"Copy the log into a JetStream stream of NATS, for other systems."`
	Backup         backup.Command        `cmd:"" help:"Write a backup of database, uploads and recordings, beside running servers."`
	Restore        backup.RestoreCommand `cmd:"" help:"Restore a backup into an empty database and data folder, and verify it."`
	Docs           docgen.Command        `cmd:"" help:"Write the documents that are generated from the code."`
	Version        versionCommand        `cmd:"" help:"Print version, commit and date of this program."`
	ShowVersion    kong.VersionFlag      `name:"version" help:"Print version, commit and date of this program."`
}
