package domain

import "slices"

// BroadcastID names one stream from its first frame to its last; the door that takes the stream in draws it at
// random.
type BroadcastID string

// MediaInfo is what a stream holds. Nobody can tell what is in a stream that is relayed as it comes: a codec
// that is not known is "".
type MediaInfo struct {
	Video  string `json:"video,omitempty"`  // the codec, like "h264"
	Width  int    `json:"width,omitempty"`  // in pixels; 0: not known
	Height int    `json:"height,omitempty"` // alike
	Audio  string `json:"audio,omitempty"`  // the codec, like "aac"
}

// maxPixels bounds what a stream may say of its size: more than any screen, and small enough for a table.
const maxPixels = 1 << 16

func (p MediaInfo) sound() error {
	switch {
	case len(p.Video) > maxCodec || len(p.Audio) > maxCodec || !printable(p.Video) || !printable(p.Audio):
		return refuse(CodeBadRequest, "a codec has at most %d bytes of printable ASCII", maxCodec)
	case p.Width < 0 || p.Width > maxPixels || p.Height < 0 || p.Height > maxPixels:
		return refuse(CodeNumberOutOfRange, "a picture has 0 to %d pixels each way", maxPixels)
	}
	return nil
}

const maxCodec = 32

// StartBroadcast says for a room that its stream has begun. Of two streams of a room the later one counts:
// the earlier is said to have ended.
type StartBroadcast struct {
	Live      LiveID      `json:"live"`
	Broadcast BroadcastID `json:"broadcast"`
	Node      string      `json:"node"` // the server process that takes the stream in
	Media     MediaInfo   `json:"media"`
	OnAir     bool        `json:"on_air"` // also puts a room on air that has not started
}

// Type implements Command.
func (StartBroadcast) Type() string { return "broadcast.start" }

// Reads implements Command.
func (c StartBroadcast) Reads(Actor) []Stream { return []Stream{liveOf(c.Live)} }

func (c StartBroadcast) drawn() []string { return []string{c.Node, string(c.Broadcast)} }

func (c StartBroadcast) decide(see View) ([]Event, error) {
	live := see.Live(c.Live)
	switch {
	case live.Streamer == 0:
		return nil, refuse(CodeLiveNotFound, "there is no live %d", c.Live)
	case live.Status == StatusEnded:
		return nil, refuse(CodeLiveEnded, "live %d has ended", c.Live)
	case c.Broadcast == "" || c.Node == "":
		return nil, refuse(CodeBadRequest, "a stream has a name, and a process that takes it in")
	case live.Broadcast == c.Broadcast:
		return nil, nil
	}
	if err := c.Media.sound(); err != nil {
		return nil, err
	}
	var follows []Event
	if live.Broadcast != "" {
		follows = append(follows, BroadcastStopped{c.Live, live.Streamer, live.Broadcast, StopReplaced, "", 0})
	}
	follows = append(follows, BroadcastStarted{c.Live, live.Streamer, c.Broadcast, c.Node, c.Media})
	if c.OnAir && live.Status == StatusNotStarted {
		follows = append(follows, LiveStatusChanged{c.Live, live.Streamer, live.Status, StatusOnAir, ""})
	}
	return follows, nil
}

// BroadcastStarted says that a room has a stream: there is a picture to see, or something to hear.
type BroadcastStarted struct {
	Live      LiveID      `json:"live"`
	Streamer  UserID      `json:"streamer"`  // whose room it is
	Broadcast BroadcastID `json:"broadcast"` // the stream, from its first frame to its last, with all reconnects
	Node      string      `json:"node"`      // the server process that takes it in
	Media     MediaInfo   `json:"media"`     // what it held in the beginning
}

// Type implements Event.
func (BroadcastStarted) Type() string { return "broadcast.started.v1" }

// Stream implements Event.
func (e BroadcastStarted) Stream() Stream { return liveOf(e.Live) }

// EventLive implements LiveEvent.
func (e BroadcastStarted) EventLive() LiveID { return e.Live }

// EventUser implements UserEvent.
func (e BroadcastStarted) EventUser() UserID { return e.Streamer }

func (e BroadcastStarted) evolve(l Live) Live { l.Broadcast = e.Broadcast; return l }

// StopCause says why a stream has ended.
type StopCause string

// The reasons.
const (
	StopByPublisher      StopCause = "stopped"           // the encoder said so
	StopConnectionLost   StopCause = "lost"              // the connection broke and was not back in time
	StopReplaced         StopCause = "replaced"          // another stream of the same room has begun
	StopKicked           StopCause = "kicked"            // an operator said so
	StopLiveEnded        StopCause = "live_ended"        // the room has ended, or its owner may not stream
	StopShutdown         StopCause = "shutdown"          // the process that took it in was stopped
	StopOwnerUnavailable StopCause = "owner_unavailable" // its owner was disabled, forgotten or banned
	StopNodeLost         StopCause = "node_lost"         // that process died
)

var publishReasons = [...]StopCause{StopByPublisher, StopConnectionLost, StopReplaced, StopKicked, StopLiveEnded,
	StopShutdown, StopNodeLost, StopOwnerUnavailable}

// StopBroadcast says for a room that a stream has ended. It is silent when the room has another one by now.
type StopBroadcast struct {
	Live      LiveID      `json:"live"`
	Broadcast BroadcastID `json:"broadcast"`
	Cause     StopCause   `json:"cause"`
	Bytes     int64       `json:"bytes"` // that were taken in
}

// Type implements Command.
func (StopBroadcast) Type() string { return "broadcast.stop" }

// Reads implements Command.
func (c StopBroadcast) Reads(Actor) []Stream { return []Stream{liveOf(c.Live)} }

func (c StopBroadcast) decide(see View) ([]Event, error) {
	live := see.Live(c.Live)
	switch {
	case !slices.Contains(publishReasons[:], c.Cause):
		return nil, refuse(CodeBadRequest, "the reason is one of %v", publishReasons)
	case c.Bytes < 0:
		return nil, refuse(CodeNumberOutOfRange, "a stream has no fewer than 0 bytes")
	case c.Broadcast == "" || live.Broadcast != c.Broadcast:
		return nil, nil
	}
	return []Event{BroadcastStopped{c.Live, live.Streamer, c.Broadcast, c.Cause, "", c.Bytes}}, nil
}

// KickBroadcast ends a room's stream in the name of an operator. The room goes on without a picture.
type KickBroadcast struct {
	Live   LiveID `json:"live"`
	Reason string `json:"reason"` // why, for the log and the streamer's encoder: at most 100 characters, may be empty
}

// Type implements Command.
func (KickBroadcast) Type() string { return "broadcast.kick" }

// Reads implements Command.
func (c KickBroadcast) Reads(Actor) []Stream { return []Stream{liveOf(c.Live)} }

func (c KickBroadcast) decide(see View) ([]Event, error) {
	live := see.Live(c.Live)
	note, err := text("note", c.Reason, 0, maxTitle)
	switch {
	case err != nil:
		return nil, err
	case live.Streamer == 0:
		return nil, refuse(CodeLiveNotFound, "there is no live %d", c.Live)
	case live.Broadcast == "":
		return nil, refuse(CodeNoBroadcast, "live %d has no stream", c.Live)
	}
	return []Event{BroadcastStopped{c.Live, live.Streamer, live.Broadcast, StopKicked, note, 0}}, nil
}

// BroadcastStopped says that a room's stream has ended; not when an encoder is lost and comes back in time.
type BroadcastStopped struct {
	Live      LiveID      `json:"live"`
	Streamer  UserID      `json:"streamer"`  // whose room it is
	Broadcast BroadcastID `json:"broadcast"` // the stream
	Cause     StopCause   `json:"cause"`     // why
	Reason    string      `json:"reason"`    // what an operator said about it
	Bytes     int64       `json:"bytes"`     // that were taken in; 0 when nobody is left who knows
}

// Type implements Event.
func (BroadcastStopped) Type() string { return "broadcast.stopped.v1" }

// Stream implements Event.
func (e BroadcastStopped) Stream() Stream { return liveOf(e.Live) }

// EventLive implements LiveEvent.
func (e BroadcastStopped) EventLive() LiveID { return e.Live }

// EventUser implements UserEvent.
func (e BroadcastStopped) EventUser() UserID { return e.Streamer }

func (BroadcastStopped) evolve(l Live) Live { l.Broadcast = ""; return l }
