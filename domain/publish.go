package domain

import "slices"

// ShowID names one stream from its first frame to its last; the door that takes the stream in draws it at
// random.
type ShowID string

// Picture is what a stream holds. Nobody can tell what is in a stream that is relayed as it comes: a codec
// that is not known is "".
type Picture struct {
	Video  string `json:"video,omitempty"`  // the codec, like "h264"
	Width  int    `json:"width,omitempty"`  // in pixels; 0: not known
	Height int    `json:"height,omitempty"` // alike
	Audio  string `json:"audio,omitempty"`  // the codec, like "aac"
}

// maxPixels bounds what a stream may say of its size: more than any screen, and small enough for a table.
const maxPixels = 1 << 16

func (p Picture) sound() error {
	switch {
	case len(p.Video) > maxCodec || len(p.Audio) > maxCodec || !printable(p.Video) || !printable(p.Audio):
		return refuse(CodeBadRequest, "a codec has at most %d bytes of printable ASCII", maxCodec)
	case p.Width < 0 || p.Width > maxPixels || p.Height < 0 || p.Height > maxPixels:
		return refuse(CodeNumber, "a picture has 0 to %d pixels each way", maxPixels)
	}
	return nil
}

const maxCodec = 32

// StartPublish says for a room that its stream has begun. Of two streams of a room the later one counts:
// the earlier is said to have ended.
type StartPublish struct {
	Live    LiveID  `json:"live"`
	Show    ShowID  `json:"show"`
	Process string  `json:"process"` // the server process that takes the stream in
	Picture Picture `json:"picture"`
	OnAir   bool    `json:"on_air"` // also puts a room on air that has not started
}

// Type implements Command.
func (StartPublish) Type() string { return "live.start_publish" }

// Reads implements Command.
func (c StartPublish) Reads(Actor) []Stream { return []Stream{liveOf(c.Live)} }

func (c StartPublish) drawn() []string { return []string{c.Process, string(c.Show)} }

func (c StartPublish) decide(see View) ([]Event, error) {
	live := see.Live(c.Live)
	switch {
	case live.Streamer == 0:
		return nil, refuse(CodeLiveNotFound, "there is no live %d", c.Live)
	case live.Status == StatusEnded:
		return nil, refuse(CodeLiveEnded, "live %d has ended", c.Live)
	case c.Show == "" || c.Process == "":
		return nil, refuse(CodeBadRequest, "a stream has a name, and a process that takes it in")
	case live.Show == c.Show:
		return nil, nil
	}
	if err := c.Picture.sound(); err != nil {
		return nil, err
	}
	var follows []Event
	if live.Show != "" {
		follows = append(follows, LivePublishStopped{c.Live, live.Streamer, live.Show, PublishReplaced, "", 0})
	}
	follows = append(follows, LivePublishStarted{c.Live, live.Streamer, c.Show, c.Process, c.Picture})
	if c.OnAir && live.Status == StatusNotStarted {
		follows = append(follows, LiveStatusChanged{c.Live, live.Streamer, live.Status, StatusOnAir})
	}
	return follows, nil
}

// LivePublishStarted says that a room has a stream: there is a picture to see, or something to hear.
type LivePublishStarted struct {
	Live     LiveID  `json:"live"`
	Streamer UserID  `json:"streamer"` // whose room it is
	Show     ShowID  `json:"show"`     // the stream, from its first frame to its last, with all reconnects
	Process  string  `json:"process"`  // the server process that takes it in
	Picture  Picture `json:"picture"`  // what it held in the beginning
}

// Type implements Event.
func (LivePublishStarted) Type() string { return "live.publish_started.v1" }

// Stream implements Event.
func (e LivePublishStarted) Stream() Stream { return liveOf(e.Live) }

// InLive implements LiveEvent.
func (e LivePublishStarted) InLive() LiveID { return e.Live }

// ByUser implements UserEvent.
func (e LivePublishStarted) ByUser() UserID { return e.Streamer }

func (e LivePublishStarted) evolve(l Live) Live { l.Show = e.Show; return l }

// PublishReason says why a stream has ended.
type PublishReason string

// The reasons.
const (
	PublishStopped     PublishReason = "stopped"      // the encoder said so
	PublishLost        PublishReason = "lost"         // the connection broke and was not back in time
	PublishReplaced    PublishReason = "replaced"     // another stream of the same room has begun
	PublishKicked      PublishReason = "kicked"       // an operator said so
	PublishLiveEnded   PublishReason = "live_ended"   // the room has ended, or its owner may not stream
	PublishShutdown    PublishReason = "shutdown"     // the process that took it in was stopped
	PublishProcessLost PublishReason = "process_lost" // that process died
)

var publishReasons = [...]PublishReason{PublishStopped, PublishLost, PublishReplaced, PublishKicked, PublishLiveEnded,
	PublishShutdown, PublishProcessLost}

// StopPublish says for a room that a stream has ended. It is silent when the room has another one by now.
type StopPublish struct {
	Live   LiveID        `json:"live"`
	Show   ShowID        `json:"show"`
	Reason PublishReason `json:"reason"`
	Bytes  int64         `json:"bytes"` // that were taken in
}

// Type implements Command.
func (StopPublish) Type() string { return "live.stop_publish" }

// Reads implements Command.
func (c StopPublish) Reads(Actor) []Stream { return []Stream{liveOf(c.Live)} }

func (c StopPublish) decide(see View) ([]Event, error) {
	live := see.Live(c.Live)
	switch {
	case !slices.Contains(publishReasons[:], c.Reason):
		return nil, refuse(CodeBadRequest, "the reason is one of %v", publishReasons)
	case c.Bytes < 0:
		return nil, refuse(CodeNumber, "a stream has no fewer than 0 bytes")
	case c.Show == "" || live.Show != c.Show:
		return nil, nil
	}
	return []Event{LivePublishStopped{c.Live, live.Streamer, c.Show, c.Reason, "", c.Bytes}}, nil
}

// KickPublish ends a room's stream in the name of an operator. The room goes on without a picture.
type KickPublish struct {
	Live LiveID `json:"live"`
	Note string `json:"note"` // why, for the log and the streamer's encoder: at most 100 characters, may be empty
}

// Type implements Command.
func (KickPublish) Type() string { return "live.kick_publish" }

// Reads implements Command.
func (c KickPublish) Reads(Actor) []Stream { return []Stream{liveOf(c.Live)} }

func (c KickPublish) decide(see View) ([]Event, error) {
	live := see.Live(c.Live)
	note, err := text("note", c.Note, 0, maxTitle)
	switch {
	case err != nil:
		return nil, err
	case live.Streamer == 0:
		return nil, refuse(CodeLiveNotFound, "there is no live %d", c.Live)
	case live.Show == "":
		return nil, refuse(CodeNoStream, "live %d has no stream", c.Live)
	}
	return []Event{LivePublishStopped{c.Live, live.Streamer, live.Show, PublishKicked, note, 0}}, nil
}

// LivePublishStopped says that a room's stream has ended; not when an encoder is lost and comes back in time.
type LivePublishStopped struct {
	Live     LiveID        `json:"live"`
	Streamer UserID        `json:"streamer"` // whose room it is
	Show     ShowID        `json:"show"`     // the stream
	Reason   PublishReason `json:"reason"`   // why
	Note     string        `json:"note"`     // what an operator said about it
	Bytes    int64         `json:"bytes"`    // that were taken in; 0 when nobody is left who knows
}

// Type implements Event.
func (LivePublishStopped) Type() string { return "live.publish_stopped.v1" }

// Stream implements Event.
func (e LivePublishStopped) Stream() Stream { return liveOf(e.Live) }

// InLive implements LiveEvent.
func (e LivePublishStopped) InLive() LiveID { return e.Live }

// ByUser implements UserEvent.
func (e LivePublishStopped) ByUser() UserID { return e.Streamer }

func (LivePublishStopped) evolve(l Live) Live { l.Show = ""; return l }
