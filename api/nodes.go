package api

import (
	"context"
	"log/slog"
	"strconv"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"

	"roomlog/domain"
	"roomlog/projections"
)

// Streams asks all nodes about their streams, players, running recordings and restreams.
type Streams interface {
	// Streams returns all streams with a publisher or waiting players, ordered by live.
	Streams(ctx context.Context) ([]Stream, error)
	// Players returns the connected players of a live.
	Players(ctx context.Context, live projections.Live) ([]StreamPlayer, error)
	// RunningRecordings returns the recordings of a live that are being written.
	RunningRecordings(ctx context.Context, live domain.LiveID) ([]RunningRecording, error)
	// Restreams returns the restream targets of a live with their states, ordered by name.
	Restreams(ctx context.Context, live domain.LiveID) ([]Restream, error)
	// LiveOfPlayer returns the live that a connected player is playing. found is false if there is no such player.
	LiveOfPlayer(ctx context.Context, id domain.PlayerID) (live domain.LiveID, found bool, err error)
}

// Stream describes the stream of a live, with its counters, in a response.
type Stream struct {
	Live      domain.LiveID      `json:"live"`
	Title     string             `json:"title" example:"An evening with Ann"`
	UserID    domain.UserID      `json:"user_id" doc:"owner of the live"`
	Broadcast domain.BroadcastID `json:"broadcast" example:"b-5f0c2a77" doc:"empty while players wait for a broadcast"`
	Node      string             `json:"node" example:"node-1" doc:"the server process that receives the broadcast"`
	Media     *LiveMedia         `json:"media" doc:"null while players wait for a broadcast"`

	// Counters of the node that receives the broadcast.
	Publishing bool   `json:"publishing" doc:"false while the server waits for a lost encoder"`
	Bitrate    int    `json:"bitrate" doc:"bit rate of the encoder, in bits per second"`
	GOP        int    `json:"gop" doc:"frames from one key frame to the next"`
	GOPMillis  int64  `json:"gop_ms" doc:"time from one key frame to the next"`
	FramesIn   uint64 `json:"frames_in"`
	BytesIn    uint64 `json:"bytes_in"`

	// Counters of all nodes together.
	Players  map[string]int `json:"players" doc:"number of players by protocol"`
	BytesOut uint64         `json:"bytes_out" doc:"bytes sent to players, and to the nodes that relay the stream"`
	Skips    uint64         `json:"skips" doc:"times that a slow player was moved to a newer key frame"`
	Drops    uint64         `json:"drops" doc:"players that were disconnected because they read nothing"`
	Relays   []string       `json:"relays" example:"node-2" doc:"the server processes that relay the stream from its node to their own players"`
}

// StreamPlayer describes a player of a stream, in a response.
type StreamPlayer struct {
	ID       string    `json:"id" example:"p-5f0c2a77" doc:"for kick"`
	Node     string    `json:"node" example:"node-1" doc:"the server process that serves the player"`
	Protocol string    `json:"protocol" enum:"rtmp,http-flv,ws-flv,hls"`
	Address  string    `json:"address" example:"203.0.113.9"`
	User     int64     `json:"user,omitempty" example:"12" doc:"the user that the sign names; absent for an anonymous player"`
	Since    time.Time `json:"since"`
	Bytes    uint64    `json:"bytes"`
	Frames   uint64    `json:"frames"`
	Skips    uint64    `json:"skips" doc:"times that the player was moved to a newer key frame"`
}

// Restream describes a target to which the broadcasts of a live are pushed on, in a response.
type Restream struct {
	Target     string     `json:"target" example:"example" doc:"name of the target in the live"`
	URL        string     `json:"url" example:"rtmps://push.example/app" doc:"without the stream key, which cannot be read again"`
	State      string     `json:"state" enum:"waiting,connecting,live,failed" doc:"waiting: the live has no broadcast; connecting: the first connection is being made; live: the target receives the broadcast; failed: the last connection has failed, another one follows"`
	Reason     string     `json:"reason" example:"the connection was lost" doc:"why the last connection has failed; empty otherwise"`
	Since      *time.Time `json:"since" doc:"time of the last change of the state; null while the live has no broadcast"`
	Bytes      uint64     `json:"bytes" doc:"number of bytes of this broadcast that the target has accepted"`
	Reconnects uint64     `json:"reconnects" doc:"number of connections of this broadcast after the first one"`
	Skips      uint64     `json:"skips" doc:"times that the target was too slow and was moved to a newer key frame"`
}

// LiveMedia describes the running broadcast of a live, in a response.
type LiveMedia struct {
	domain.MediaInfo
	StartedAt time.Time `json:"started_at"`
}

// Connection is a client connection in a response to operators.
type Connection struct {
	ID      domain.ConnectionID `json:"id" example:"c-5f0c2a77" doc:"for kick"`
	Node    string              `json:"node" example:"node-1" doc:"the server process that holds the connection"`
	Dialect string              `json:"dialect" enum:"native,socketio"`
	Users   []domain.UserID     `json:"users" doc:"users signed in on the connection"`
	Lives   []domain.LiveID     `json:"lives" doc:"lives that the connection has joined"`
	Address string              `json:"address" example:"203.0.113.9" doc:"address of the client; for IPv6 its /64 network"`
	Since   time.Time           `json:"since"`
}

// Connections is the result of a survey of the connections on all nodes.
type Connections struct {
	Sockets []Connection `json:"sockets" doc:"newest first, at most 1000"`
	Total   int          `json:"total" doc:"connections of the nodes that replied"`
	Nodes   int          `json:"nodes" doc:"nodes that were asked"`
	Replied int          `json:"replied" doc:"nodes that replied within two seconds"`
}

// ConnectionFilter selects connections. Fields with the zero value match all connections.
type ConnectionFilter struct {
	ID   domain.ConnectionID
	User domain.UserID
	Live domain.LiveID
}

// RunningRecording is the state of a recording that a node is writing.
type RunningRecording struct {
	ID       domain.RecordingID
	Duration time.Duration
	Bytes    int64
	Parts    []domain.RecordingPart
}

// noStreams implements Streams for a server without media. It returns empty lists.
type noStreams struct{}

func (noStreams) Streams(context.Context) ([]Stream, error) { return nil, nil }

func (noStreams) Players(context.Context, projections.Live) ([]StreamPlayer, error) {
	return []StreamPlayer{}, nil
}

func (noStreams) RunningRecordings(context.Context, domain.LiveID) ([]RunningRecording, error) {
	return nil, nil
}

func (noStreams) Restreams(context.Context, domain.LiveID) ([]Restream, error) {
	return []Restream{}, nil
}

func (noStreams) LiveOfPlayer(context.Context, domain.PlayerID) (domain.LiveID, bool, error) {
	return 0, false, nil
}

const (
	runningFor   = 2 * time.Second // how long the result of a survey of the running recordings is used
	runningLives = 10_000          // maximum number of lives whose results are kept
)

// runningRecordings surveys the nodes for the running recordings of lives. It surveys one live at a time and keeps the
// result for runningFor. The number of surveys therefore does not depend on the number of requests.
type runningRecordings struct {
	streams Streams
	now     func() time.Time
	log     *slog.Logger
	surveys singleflight.Group
	recent  *lru.Cache[domain.LiveID, survey]
}

// survey is the result of a survey; a failed one has no recordings.
type survey struct {
	at         time.Time
	recordings []RunningRecording
}

func newRunningRecordings(streams Streams, now func() time.Time, log *slog.Logger) (*runningRecordings, error) {
	recent, err := lru.New[domain.LiveID, survey](runningLives)
	return &runningRecordings{streams: streams, now: now, log: log, recent: recent}, err
}

// of returns the running recordings of a live, or none if the survey fails. Do not change them.
func (r *runningRecordings) of(ctx context.Context, live domain.LiveID) []RunningRecording {
	if found, ok := r.kept(live); ok {
		return found
	}
	found, _, _ := r.surveys.Do(strconv.FormatInt(int64(live), 10), func() (any, error) {
		if found, ok := r.kept(live); ok { // another survey has just ended
			return found, nil
		}
		found, err := r.streams.RunningRecordings(context.WithoutCancel(ctx), live) // other requests wait for it, too
		if err != nil {
			r.log.WarnContext(ctx, "survey of running recordings failed, their sizes are missing", slog.Int64("live_id", int64(live)), slog.Any("error", err))
			found = nil
		}
		r.recent.Add(live, survey{r.now(), found})
		return found, nil
	})
	return found.([]RunningRecording)
}

// kept returns the result of the last survey of a live, if it is not older than runningFor.
func (r *runningRecordings) kept(live domain.LiveID) ([]RunningRecording, bool) {
	s, ok := r.recent.Get(live)
	return s.recordings, ok && r.now().Sub(s.at).Abs() < runningFor
}
