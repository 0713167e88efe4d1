package domain

import "slices"

// Status is where a live stands; StatusEnded is final.
type Status int

// The numbers are the ones that clients know.
const (
	StatusNotStarted Status = iota
	StatusOnAir
	StatusPaused
	StatusEnded
)

// Live is what a decision needs of a room.
type Live struct {
	Streamer  UserID       `json:"streamer"` // 0: there is no such room
	Status    Status       `json:"status"`
	Bans      []Ban        `json:"bans,omitempty"`      // those who are kept out, and perhaps some who were
	Broadcast BroadcastID  `json:"broadcast,omitempty"` // the stream that it has now; "": there is no picture
	Record    RecordChoice `json:"record,omitempty"`    // whether its owner wants its streams recorded
}

// open answers nil while people may join, comment and give in room id: on air or paused.
func (l Live) open(id LiveID) error {
	switch {
	case l.Streamer == 0:
		return refuse(CodeLiveNotFound, "there is no live %d", id)
	case l.Status == StatusNotStarted:
		return refuse(CodeLiveNotStarted, "live %d has not started", id)
	case l.Status == StatusEnded:
		return refuse(CodeLiveEnded, "live %d has ended", id)
	}
	return nil
}

// CreateLive asks for a new room of one's own.
type CreateLive struct {
	Title     string `json:"title"` // 1–100 characters
	Cover     string `json:"cover"` // the address of a picture; may be empty
	StreamKey string `json:"-"`     // the stream key: 20 of 0-9a-zA-Z, drawn by the door
}

// Type implements Command.
func (CreateLive) Type() string { return "live.create" }

// Reads implements Command.
func (CreateLive) Reads(Actor) []Stream { return []Stream{nextLive} }

func (c CreateLive) decide(see View) ([]Event, error) {
	title, err := text("title", c.Title, 1, maxTitle)
	if err != nil {
		return nil, err
	}
	if err := optionalAddress("cover", c.Cover); err != nil {
		return nil, err
	}
	if !streamKey(c.StreamKey) {
		return nil, refuse(CodeBadRequest, "a stream key is %d of 0-9a-zA-Z", streamKeyLength)
	}
	return []Event{LiveCreated{see.NextLive(), see.Actor.User, title, c.Cover, c.StreamKey}}, nil
}

// streamKeyLength is what clients expect.
const streamKeyLength = 20

func streamKey(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !('0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z') {
			return false
		}
	}
	return len(s) == streamKeyLength
}

// LiveCreated says that a streamer has a new room. The key opens nothing by itself: only a sign does.
type LiveCreated struct {
	Live      LiveID `json:"live"`
	Streamer  UserID `json:"streamer"`   // whose room it is
	Title     string `json:"title"`      // what the room is called
	Cover     string `json:"cover"`      // the address of a picture; may be empty
	StreamKey string `json:"stream_key"` // the stream key: 20 of 0-9a-zA-Z
}

// Type implements Event.
func (LiveCreated) Type() string { return "live.created.v1" }

// Stream implements Event.
func (e LiveCreated) Stream() Stream { return liveOf(e.Live) }

// EventLive implements LiveEvent.
func (e LiveCreated) EventLive() LiveID { return e.Live }

// EventUser implements UserEvent.
func (e LiveCreated) EventUser() UserID { return e.Streamer }

func (e LiveCreated) number() int64 { return int64(e.Live) }

func (e LiveCreated) evolve(Live) Live { return Live{Streamer: e.Streamer} }

func (e *LiveCreated) personal() (UserID, []*string) {
	return e.Streamer, []*string{&e.Title, &e.Cover}
}

// ChangeLiveStatus asks to put one's own room on air, to pause it or to end it for good. An operator may end
// anybody's.
type ChangeLiveStatus struct {
	Live   LiveID     `json:"live"`
	To     LiveChange `json:"type"`
	Reason string     `json:"reason"` // for the record: at most 100 characters, may be empty
}

// LiveChange is what a streamer asks of a room.
type LiveChange string

// The changes, as clients spell them.
const (
	LivePlay  LiveChange = "play"
	LivePause LiveChange = "pause"
	LiveStop  LiveChange = "stop"
)

// Type implements Command.
func (ChangeLiveStatus) Type() string { return "live.change_status" }

// Reads implements Command.
func (c ChangeLiveStatus) Reads(Actor) []Stream { return []Stream{liveOf(c.Live)} }

func (c ChangeLiveStatus) decide(see View) ([]Event, error) {
	live := see.Live(c.Live)
	to, known := map[LiveChange]Status{LivePlay: StatusOnAir, LivePause: StatusPaused, LiveStop: StatusEnded}[c.To]
	switch {
	case live.Streamer == 0 || live.Streamer != see.Actor.User && !(c.To == LiveStop && see.isOperator()):
		return nil, refuse(CodeLiveNotFound, "there is no live %d of yours", c.Live) // another's is none of the asker's business
	case !known:
		return nil, refuse(CodeBadRequest, "type is play, pause or stop")
	case live.Status == StatusEnded:
		return nil, refuse(CodeLiveEnded, "live %d has ended", c.Live)
	case to == StatusPaused && live.Status == StatusNotStarted:
		return nil, refuse(CodeLiveNotStarted, "live %d has not started", c.Live)
	case to == live.Status:
		return nil, nil
	}
	reason, err := operatorReason(c.Reason)
	if err != nil {
		return nil, err
	}
	return []Event{LiveStatusChanged{c.Live, live.Streamer, live.Status, to, reason}}, nil
}

// livesOf names the streams of rooms.
func livesOf(ids []LiveID) []Stream {
	streams := make([]Stream, 0, len(ids)+1)
	for _, id := range ids {
		streams = append(streams, liveOf(id))
	}
	return streams
}

// endLives answers the end of those rooms of a streamer that are on air or paused.
func (v View) endLives(streamer UserID, ids []LiveID, reason string) []Event {
	var ends []Event
	for i, id := range ids {
		if live := v.Live(id); live.Streamer == streamer && live.open(id) == nil && !slices.Contains(ids[:i], id) {
			ends = append(ends, LiveStatusChanged{id, streamer, live.Status, StatusEnded, reason})
		}
	}
	return ends
}

// LiveStatusChanged says that a room went on air, paused or ended.
type LiveStatusChanged struct {
	Live     LiveID `json:"live"`
	Streamer UserID `json:"streamer"` // whose room it is
	From     Status `json:"from"`     // where it stood
	To       Status `json:"to"`       // where it stands
	Reason   string `json:"reason"`   // why, when somebody gave a reason; may be empty
}

// Type implements Event.
func (LiveStatusChanged) Type() string { return "live.status_changed.v1" }

// Stream implements Event.
func (e LiveStatusChanged) Stream() Stream { return liveOf(e.Live) }

// EventLive implements LiveEvent.
func (e LiveStatusChanged) EventLive() LiveID { return e.Live }

// EventUser implements UserEvent.
func (e LiveStatusChanged) EventUser() UserID { return e.Streamer }

func (e LiveStatusChanged) evolve(l Live) Live { l.Status = e.To; return l }
