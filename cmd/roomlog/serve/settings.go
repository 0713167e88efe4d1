package serve

import "time"

// The settings of serve beside where it serves. A zero means the default of the package that it is for;
// the defaults are written here as well, so that the help shows them.

// rateSettings bound how often somebody may do something.
type rateSettings struct {
	ReadsPerAddress         int     `group:"rate" env:"ROOMLOG_READS_PER_ADDRESS" default:"3000" help:"Read requests a minute from one address."`
	SignInsPerAddress       int     `group:"rate" env:"ROOMLOG_SIGN_INS_PER_ADDRESS" default:"60" help:"Sign-ins a minute from one address."`
	SignInsPerName          int     `group:"rate" env:"ROOMLOG_SIGN_INS_PER_NAME" default:"10" help:"Sign-ins a minute under one name."`
	RegistrationsPerAddress int     `group:"rate" env:"ROOMLOG_REGISTRATIONS_PER_ADDRESS" default:"20" help:"New accounts a minute from one address."`
	WritesPerUser           int     `group:"rate" env:"ROOMLOG_WRITES_PER_USER" default:"120" help:"Commands a minute over REST, of one person."`
	UploadsPerUser          int     `group:"rate" env:"ROOMLOG_UPLOADS_PER_USER" default:"20" help:"Pictures a minute, of one person."`
	ChatRoomsPerAddress     int     `group:"rate" env:"ROOMLOG_CHAT_ROOMS_PER_ADDRESS" default:"10" help:"New chat rooms a minute from one address."`
	CommentRate             float64 `group:"rate" env:"ROOMLOG_COMMENT_RATE" default:"5" help:"Comments a second, of one person."`
	CommentBurst            int     `group:"rate" env:"ROOMLOG_COMMENT_BURST" default:"20" help:"Comments at once."`
	GiftRate                float64 `group:"rate" env:"ROOMLOG_GIFT_RATE" default:"20" help:"Gifts a second, of one person."`
	GiftBurst               int     `group:"rate" env:"ROOMLOG_GIFT_BURST" default:"50" help:"Gifts at once: combos."`
	MessageRate             float64 `group:"rate" env:"ROOMLOG_MESSAGE_RATE" default:"5" help:"Messages a second in the chat, of one person, or of one connection without one."`
	MessageBurst            int     `group:"rate" env:"ROOMLOG_MESSAGE_BURST" default:"20" help:"Messages at once."`
	TypingRate              float64 `group:"rate" env:"ROOMLOG_TYPING_RATE" default:"2" help:"Notes a second that a connection is typing."`
	FrameRate               float64 `group:"rate" env:"ROOMLOG_FRAME_RATE" default:"100" help:"Frames a second on one connection."`
	FrameBurst              int     `group:"rate" env:"ROOMLOG_FRAME_BURST" default:"200" help:"Frames at once."`
}

// sizeSettings bound one request.
type sizeSettings struct {
	BodyBytes      int64         `group:"size" env:"ROOMLOG_BODY_BYTES" default:"65536" help:"A JSON body, in bytes."`
	BodyTimeout    time.Duration `group:"size" env:"ROOMLOG_BODY_TIMEOUT" default:"10s" help:"Until it has arrived."`
	UploadBytes    int64         `group:"size" env:"ROOMLOG_UPLOAD_BYTES" default:"5242880" help:"A picture, in bytes."`
	UploadTimeout  time.Duration `group:"size" env:"ROOMLOG_UPLOAD_TIMEOUT" default:"1m" help:"Until it has arrived."`
	HeaderBytes    int           `group:"size" env:"ROOMLOG_HEADER_BYTES" default:"32768" help:"The header of a request, in bytes."`
	HeaderTimeout  time.Duration `group:"size" env:"ROOMLOG_HEADER_TIMEOUT" default:"10s" help:"Until it has arrived."`
	IdleTimeout    time.Duration `group:"size" env:"ROOMLOG_IDLE_TIMEOUT" default:"2m" help:"How long a connection may wait for its next request."`
	RequestTimeout time.Duration `group:"size" env:"ROOMLOG_REQUEST_TIMEOUT" default:"15s" help:"One request, streams and uploads aside."`
	Settle         time.Duration `group:"size" env:"ROOMLOG_SETTLE" default:"2s" help:"How long an accepted command waits for the tables, so that its client reads what it wrote."`
	EventStreams   int           `group:"size" env:"ROOMLOG_EVENT_STREAMS" default:"32" help:"Replays of the log at once."`
}

// socketSettings bound connections.
type socketSettings struct {
	MaxConnections           int           `group:"socket" env:"ROOMLOG_MAX_CONNECTIONS" default:"20000" help:"WebSocket connections of this process."`
	MaxHTTPConnections       int           `name:"max-http-connections" group:"socket" env:"ROOMLOG_MAX_HTTP_CONNECTIONS" default:"4000" help:"HTTP connections of this process, WebSockets aside."`
	MaxConnectionsPerAddress int           `group:"socket" env:"ROOMLOG_MAX_CONNECTIONS_PER_ADDRESS" default:"1000" help:"Connections from one address; mobile networks put many people behind one."`
	MaxConnectionsPerUser    int           `group:"socket" env:"ROOMLOG_MAX_CONNECTIONS_PER_USER" default:"10" help:"WebSocket connections of one person."`
	MaxRoomsPerConnection    int           `group:"socket" env:"ROOMLOG_MAX_ROOMS_PER_CONNECTION" default:"16" help:"Rooms that one connection is in."`
	MaxMessage               int           `group:"socket" env:"ROOMLOG_MAX_MESSAGE" default:"16384" help:"A message from a client, in bytes."`
	MaxPayload               int           `group:"socket" env:"ROOMLOG_MAX_PAYLOAD" default:"65536" help:"A message from a Socket.IO client, in bytes."`
	MaxPolling               int           `group:"socket" env:"ROOMLOG_MAX_POLLING" default:"2000" help:"Socket.IO clients without a WebSocket connection; each holds an HTTP connection."`
	QueueBytes               int           `group:"socket" env:"ROOMLOG_QUEUE_BYTES" default:"131072" help:"What may wait for a slow reader before comments are dropped; at twice as much it is sent away."`
	PushWindow               time.Duration `group:"socket" env:"ROOMLOG_PUSH_WINDOW" default:"50ms" help:"Between two writes to the people of a busy room, joining what happens meanwhile; the first after a silence is at once. 0: every push is a write."`
	Deflate                  bool          `group:"socket" env:"ROOMLOG_DEFLATE" help:"Compress pushes to clients on /ws that offer permessage-deflate: a quarter of the bytes in a busy room."`
	PingInterval             time.Duration `group:"socket" env:"ROOMLOG_PING_INTERVAL" default:"25s" help:"Between two pings."`
	PingTimeout              time.Duration `group:"socket" env:"ROOMLOG_PING_TIMEOUT" default:"20s" help:"How much later than that a Socket.IO client may be heard of."`
	SocketTimeout            time.Duration `group:"socket" env:"ROOMLOG_SOCKET_TIMEOUT" default:"1m" help:"Without any frame, after which a connection counts as lost."`
	HelloTimeout             time.Duration `group:"socket" env:"ROOMLOG_HELLO_TIMEOUT" default:"15s" help:"Until a connection has said who it is."`
	PresenceGrace            time.Duration `group:"socket" env:"ROOMLOG_PRESENCE_GRACE" default:"30s" help:"After a server process died: until its viewers have left their rooms, unless they came back."`
	Listed                   int           `group:"socket" env:"ROOMLOG_LISTED" default:"50" help:"People that Socket.IO clients see in the list of a room: the newest, 100 at most."`
	Crowd                    int           `group:"socket" env:"ROOMLOG_CROWD" default:"50" help:"People in a room up to which everybody sees every coming and going at once."`
	ListInterval             time.Duration `group:"socket" env:"ROOMLOG_LIST_INTERVAL" default:"1s" help:"Between two lists, or sums, of comings and goings in a larger room."`
	RestartSpread            time.Duration `group:"socket" env:"ROOMLOG_RESTART_SPREAD" default:"5s" help:"Over which clients are told to come back when this process stops."`
	Drain                    time.Duration `group:"socket" env:"ROOMLOG_DRAIN" default:"10s" help:"How long a stop waits for requests and connections."`
}

// logSettings are about the log, the tables and the database.
type logSettings struct {
	Queue         int           `group:"log" env:"ROOMLOG_QUEUE" default:"8192" help:"Commands that wait for the log; more are told to come back."`
	DatabaseConns int32         `group:"log" env:"ROOMLOG_DATABASE_CONNS" default:"16" help:"Connections to the database for reading; a few more are taken beside them."`
	MaxLag        time.Duration `group:"log" env:"ROOMLOG_MAX_LAG" default:"1m" help:"How far the tables may be behind the log before /readyz says no."`
	Keep          time.Duration `group:"log" env:"ROOMLOG_KEEP_OUTCOMES" default:"720h" help:"How long the outcomes of commands are kept for clients that ask again; those of coins are kept for ever."`
	Housekeeping  time.Duration `group:"log" env:"ROOMLOG_HOUSEKEEPING" default:"1h" help:"How often what is too old is deleted."`
}

// window is the push window as the doors take it.
func (s *socketSettings) window() time.Duration {
	if s.PushWindow <= 0 {
		return -1
	}
	return s.PushWindow
}
