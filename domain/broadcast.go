package domain

import (
	"slices"
	"strings"
	"time"
)

// MediaInfo describes the codecs and the frame size of a broadcast. Media is relayed without decoding, so a field may
// be unknown.
type MediaInfo struct {
	Video  string `json:"video,omitempty"`  // video codec, for example "h264"; "" if unknown
	Width  int    `json:"width,omitempty"`  // width in pixels; 0 if unknown
	Height int    `json:"height,omitempty"` // height in pixels; 0 if unknown
	Audio  string `json:"audio,omitempty"`  // audio codec, for example "aac"; "" if unknown
}

// Bounds of the fields of MediaInfo, and of other strings that encoders send.
const (
	maxMediaName = 32      // maximum length in bytes
	maxPixels    = 1 << 16 // maximum width and height in pixels, larger than any screen
)

func (m MediaInfo) check() error {
	switch {
	case len(m.Video) > maxMediaName || len(m.Audio) > maxMediaName || !printable(m.Video) || !printable(m.Audio):
		return refuse(CodeBadRequest, "a codec must have at most %d bytes of printable ASCII", maxMediaName)
	case m.Width < 0 || m.Width > maxPixels || m.Height < 0 || m.Height > maxPixels:
		return refuse(CodeNumberOutOfRange, "width and height must be from 0 to %d pixels", maxPixels)
	}
	return nil
}

// StartBroadcast records the start of a broadcast of a live. It also stops the running broadcast of the live, if
// there is one.
type StartBroadcast struct {
	Live      LiveID      `json:"live"`      // the live that is broadcast
	Broadcast BroadcastID `json:"broadcast"` // the new broadcast; its id stays the same when the encoder reconnects in time
	Node      string      `json:"node"`      // the node that receives the media
	Media     MediaInfo   `json:"media"`     // codecs and frame size at the start
	OnAir     bool        `json:"on_air"`    // whether this also puts the live on air, if the live has not started
}

func (StartBroadcast) Type() string { return "broadcast.start" }

func (c StartBroadcast) Reads(Actor) []Stream { return []Stream{liveStream(c.Live)} }

func (c StartBroadcast) serverTexts() []string { return []string{c.Node, string(c.Broadcast)} }

func (c StartBroadcast) decide(view View) ([]Event, error) {
	live := view.Live(c.Live)
	switch {
	case live.Streamer == 0:
		return nil, refuse(CodeLiveNotFound, "there is no live %d", c.Live)
	case live.Status == StatusEnded:
		return nil, refuse(CodeLiveEnded, "live %d has ended", c.Live)
	case c.Broadcast == "" || c.Node == "":
		return nil, refuse(CodeBadRequest, "a broadcast requires an id and a node")
	case live.Broadcast == c.Broadcast:
		return nil, nil
	}
	if err := c.Media.check(); err != nil {
		return nil, err
	}
	var events []Event
	if live.Broadcast != "" {
		events = append(events, BroadcastStopped{c.Live, live.Streamer, live.Broadcast, StopReplaced, "", 0})
	}
	events = append(events, BroadcastStarted{c.Live, live.Streamer, c.Broadcast, c.Node, c.Media})
	if c.OnAir && live.Status == StatusNotStarted {
		events = append(events, LiveStatusChanged{c.Live, live.Streamer, live.Status, StatusOnAir, ""})
	}
	return events, nil
}

// BroadcastStarted records that a live has media to play.
type BroadcastStarted struct {
	Live      LiveID      `json:"live"`      // the live that is broadcast
	Streamer  UserID      `json:"streamer"`  // the owner of the live
	Broadcast BroadcastID `json:"broadcast"` // the new broadcast; its id stays the same when the encoder reconnects in time
	Node      string      `json:"node"`      // the node that receives the media
	Media     MediaInfo   `json:"media"`     // codecs and frame size at the start
}

func (BroadcastStarted) Type() string        { return "broadcast.started.v1" }
func (e BroadcastStarted) Stream() Stream    { return liveStream(e.Live) }
func (e BroadcastStarted) EventLive() LiveID { return e.Live }
func (e BroadcastStarted) EventUser() UserID { return e.Streamer }

// evolve counts a broadcast as a start: users who may be in the live can play it, also before the live is on air.
func (e BroadcastStarted) evolve(l Live) Live {
	l.Broadcast, l.Started = e.Broadcast, true
	return l
}

// StopCause is the cause of the end of a broadcast.
type StopCause string

// The causes of the end of a broadcast.
const (
	StopByPublisher      StopCause = "stopped"           // the encoder ended the broadcast
	StopConnectionLost   StopCause = "lost"              // the encoder's connection was lost and was not re-established in time
	StopReplaced         StopCause = "replaced"          // another broadcast of the live has started
	StopKicked           StopCause = "kicked"            // an operator ended the broadcast
	StopLiveEnded        StopCause = "live_ended"        // the live has ended
	StopOwnerUnavailable StopCause = "owner_unavailable" // the owner was disabled, forgotten or banned
	StopShutdown         StopCause = "shutdown"          // the node that received the media was shut down
	StopNodeLost         StopCause = "node_lost"         // the node that received the media was lost
	StopKeyRevoked       StopCause = "key_revoked"       // the publish key of the encoder was replaced or revoked
)

var stopCauses = [...]StopCause{StopByPublisher, StopConnectionLost, StopReplaced, StopKicked, StopLiveEnded,
	StopOwnerUnavailable, StopShutdown, StopNodeLost, StopKeyRevoked}

// StopBroadcast records the end of a broadcast. Nothing changes if the live has another running broadcast or none.
type StopBroadcast struct {
	Live      LiveID      `json:"live"`      // the live that was broadcast
	Broadcast BroadcastID `json:"broadcast"` // the broadcast that ended
	Cause     StopCause   `json:"cause"`     // why the broadcast ended
	Bytes     int64       `json:"bytes"`     // number of bytes received from the encoder
}

func (StopBroadcast) Type() string { return "broadcast.stop" }

func (c StopBroadcast) Reads(Actor) []Stream { return []Stream{liveStream(c.Live)} }

func (c StopBroadcast) decide(view View) ([]Event, error) {
	live := view.Live(c.Live)
	switch {
	case !slices.Contains(stopCauses[:], c.Cause):
		return nil, refuse(CodeBadRequest, "cause must be one of %v", stopCauses)
	case c.Bytes < 0:
		return nil, refuse(CodeNumberOutOfRange, "bytes must not be negative")
	case c.Broadcast == "" || live.Broadcast != c.Broadcast:
		return nil, nil
	}
	return []Event{BroadcastStopped{c.Live, live.Streamer, c.Broadcast, c.Cause, "", c.Bytes}}, nil
}

// KickBroadcast ends the broadcast of a live. The status of the live does not change.
type KickBroadcast struct {
	Live   LiveID `json:"live"`   // the live whose broadcast ends
	Reason string `json:"reason"` // the operator's reason, stored in the event and sent to the encoder: at most 100 characters, may be empty; must not identify a person
}

func (KickBroadcast) Type() string { return "broadcast.kick" }

func (c KickBroadcast) Reads(Actor) []Stream { return []Stream{liveStream(c.Live)} }

func (c KickBroadcast) decide(view View) ([]Event, error) {
	live := view.Live(c.Live)
	reason, err := operatorReason(c.Reason)
	switch {
	case err != nil:
		return nil, err
	case live.Streamer == 0:
		return nil, refuse(CodeLiveNotFound, "there is no live %d", c.Live)
	case live.Broadcast == "":
		return nil, refuse(CodeNoBroadcast, "live %d has no broadcast", c.Live)
	}
	return []Event{BroadcastStopped{c.Live, live.Streamer, live.Broadcast, StopKicked, reason, 0}}, nil
}

// BroadcastStopped records the end of a broadcast. If the encoder loses its connection and reconnects in time, the
// broadcast does not end.
type BroadcastStopped struct {
	Live      LiveID      `json:"live"`      // the live that was broadcast
	Streamer  UserID      `json:"streamer"`  // the owner of the live
	Broadcast BroadcastID `json:"broadcast"` // the broadcast that ended
	Cause     StopCause   `json:"cause"`     // why the broadcast ended
	Reason    string      `json:"reason"`    // reason of the operator who ended the broadcast; not sealed; may be empty
	Bytes     int64       `json:"bytes"`     // number of bytes received from the encoder; 0 if unknown
}

func (BroadcastStopped) Type() string        { return "broadcast.stopped.v1" }
func (e BroadcastStopped) Stream() Stream    { return liveStream(e.Live) }
func (e BroadcastStopped) EventLive() LiveID { return e.Live }
func (e BroadcastStopped) EventUser() UserID { return e.Streamer }
func (BroadcastStopped) evolve(l Live) Live  { l.Broadcast = ""; return l }

// SetPublishKey sets the publish key of a live, with which an encoder may publish until the key is replaced or revoked, or
// the live ends. It replaces an earlier key. Only the streamer may issue this command.
type SetPublishKey struct {
	Live LiveID `json:"live"` // the live that gets the key
	Hash string `json:"-"`    // lower-case hexadecimal SHA-256 of the key
}

// publishKeyHashLength is the number of characters of the hash of a publish key.
const publishKeyHashLength = 64

func (SetPublishKey) Type() string { return "live.set_publish_key" }

func (c SetPublishKey) Reads(Actor) []Stream { return []Stream{liveStream(c.Live)} }

func (c SetPublishKey) decide(view View) ([]Event, error) {
	live := view.Live(c.Live)
	switch {
	case live.Streamer == 0 || live.Streamer != view.Actor.User:
		return nil, refuse(CodeLiveNotFound, "you have no live %d", c.Live)
	case live.Status == StatusEnded:
		return nil, refuse(CodeLiveEnded, "live %d has ended", c.Live)
	case len(c.Hash) != publishKeyHashLength || strings.Trim(c.Hash, "0123456789abcdef") != "":
		return nil, refuse(CodeBadRequest, "the hash of a publish key must be %d lower-case hexadecimal digits", publishKeyHashLength)
	case live.PublishKey == c.Hash:
		return nil, nil
	}
	return []Event{PublishKeySet{c.Live, live.Streamer, c.Hash}}, nil
}

// PublishKeySet records that a live has a publish key, which replaces an earlier one.
type PublishKeySet struct {
	Live     LiveID `json:"live"`        // the live that got the key
	Streamer UserID `json:"streamer"`    // the owner of the live
	Hash     string `json:"publish_key"` // lower-case hexadecimal SHA-256 of the key
}

func (PublishKeySet) Type() string         { return "live.publish_key_set.v1" }
func (e PublishKeySet) Stream() Stream     { return liveStream(e.Live) }
func (e PublishKeySet) EventLive() LiveID  { return e.Live }
func (e PublishKeySet) EventUser() UserID  { return e.Streamer }
func (e PublishKeySet) evolve(l Live) Live { l.PublishKey = e.Hash; return l }

// RevokePublishKey revokes the publish key of a live. The streamer of the live and operators may issue this command.
// Nothing changes if the live has no publish key.
type RevokePublishKey struct {
	Live LiveID `json:"live"` // the live of the key
}

func (RevokePublishKey) Type() string { return "live.revoke_publish_key" }

func (c RevokePublishKey) Reads(Actor) []Stream { return []Stream{liveStream(c.Live)} }

func (c RevokePublishKey) decide(view View) ([]Event, error) {
	live := view.Live(c.Live)
	if err := view.checkOwner(live, c.Live); err != nil || live.PublishKey == "" {
		return nil, err
	}
	return []Event{PublishKeyRevoked{c.Live, live.Streamer}}, nil
}

// PublishKeyRevoked records that the publish key of a live is no longer valid.
type PublishKeyRevoked struct {
	Live     LiveID `json:"live"`     // the live of the key
	Streamer UserID `json:"streamer"` // the owner of the live
}

func (PublishKeyRevoked) Type() string        { return "live.publish_key_revoked.v1" }
func (e PublishKeyRevoked) Stream() Stream    { return liveStream(e.Live) }
func (e PublishKeyRevoked) EventLive() LiveID { return e.Live }
func (e PublishKeyRevoked) EventUser() UserID { return e.Streamer }
func (PublishKeyRevoked) evolve(l Live) Live  { l.PublishKey = ""; return l }

// Bounds of the restream targets of a live.
const (
	maxRestreams      = 5    // maximum number of targets of one live
	maxRestreamName   = 32   // maximum length in bytes
	maxRestreamURL    = 512  // maximum length in bytes
	maxRestreamSecret = 8192 // maximum length in bytes
)

// SetRestream sets a target to which the broadcasts of a live are pushed on. It replaces an earlier target with the same name.
// The owner of the live and operators may issue this command.
type SetRestream struct {
	Live   LiveID `json:"live"`   // the live whose broadcasts are pushed to the target
	Target string `json:"target"` // name of the target in the live: 1 to 32 characters of a-z, 0-9 and -
	URL    string `json:"-"`      // address of the target without its stream key: rtmp or rtmps, host and app
	Secret string `json:"-"`      // stream key and queries of the target, sealed by the server
}

func (SetRestream) Type() string { return "restream.set" }

func (c SetRestream) Reads(Actor) []Stream { return []Stream{liveStream(c.Live)} }

func (c SetRestream) decide(view View) ([]Event, error) {
	live := view.Live(c.Live)
	if err := view.checkOwner(live, c.Live); err != nil {
		return nil, err
	}
	isNew := !slices.Contains(live.Restreams, c.Target)
	switch {
	case live.Status == StatusEnded:
		return nil, refuse(CodeLiveEnded, "live %d has ended", c.Live)
	case c.Target == "" || len(c.Target) > maxRestreamName || !onlyOf(c.Target, "abcdefghijklmnopqrstuvwxyz0123456789-"):
		return nil, refuse(CodeBadRequest, "target must be a name of 1 to %d characters of a-z, 0-9 and -", maxRestreamName)
	case len(c.URL) > maxRestreamURL || !isRestreamURL(c.URL):
		return nil, refuse(CodeBadRequest, "url must be an address like rtmps://host/app, of at most %d bytes", maxRestreamURL)
	case c.Secret == "" || len(c.Secret) > maxRestreamSecret || !printable(c.Secret):
		return nil, refuse(CodeBadRequest, "key must be the stream key of the target; sealed, it must have at most %d bytes of printable ASCII", maxRestreamSecret)
	case isNew && len(live.Restreams) >= maxRestreams:
		return nil, refuse(CodeNumberOutOfRange, "a live must have at most %d targets", maxRestreams)
	}
	return []Event{RestreamSet{c.Live, live.Streamer, c.Target, c.URL, c.Secret}}, nil
}

// isRestreamURL reports whether s is an rtmp or rtmps URL with a host and an app, and with nothing that could be secret.
func isRestreamURL(s string) bool {
	scheme, rest, _ := strings.Cut(s, "://")
	host, app, _ := strings.Cut(rest, "/")
	return (scheme == "rtmp" || scheme == "rtmps") && host != "" && app != "" && printable(rest) && !strings.ContainsAny(rest, " @?#")
}

// RestreamSet records that the broadcasts of a live are pushed on to a target.
type RestreamSet struct {
	Live     LiveID `json:"live"`       // the live whose broadcasts are pushed to the target
	Streamer UserID `json:"streamer"`   // the owner of the live
	Target   string `json:"target"`     // name of the target in the live
	URL      string `json:"target_url"` // address of the target without its stream key
	Secret   string `json:"sealed_key"` // stream key and queries of the target, sealed with a secret of the server
}

func (RestreamSet) Type() string        { return "restream.set.v1" }
func (e RestreamSet) Stream() Stream    { return liveStream(e.Live) }
func (e RestreamSet) EventLive() LiveID { return e.Live }
func (e RestreamSet) EventUser() UserID { return e.Streamer }
func (e RestreamSet) evolve(l Live) Live {
	if !slices.Contains(l.Restreams, e.Target) {
		l.Restreams = append(slices.Clone(l.Restreams), e.Target)
	}
	return l
}
func (e *RestreamSet) personal() (UserID, []*string) {
	return e.Streamer, []*string{&e.URL, &e.Secret}
}

// RemoveRestream removes a restream target of a live. The owner of the live and operators may issue this command. Nothing
// changes if the live has no target with this name.
type RemoveRestream struct {
	Live   LiveID `json:"live"`   // the live of the target
	Target string `json:"target"` // name of the target in the live
}

func (RemoveRestream) Type() string { return "restream.remove" }

func (c RemoveRestream) Reads(Actor) []Stream { return []Stream{liveStream(c.Live)} }

func (c RemoveRestream) decide(view View) ([]Event, error) {
	live := view.Live(c.Live)
	if err := view.checkOwner(live, c.Live); err != nil || !slices.Contains(live.Restreams, c.Target) {
		return nil, err
	}
	return []Event{RestreamRemoved{c.Live, live.Streamer, c.Target}}, nil
}

// RestreamRemoved records that the broadcasts of a live are not pushed on to a target any more.
type RestreamRemoved struct {
	Live     LiveID `json:"live"`     // the live of the target
	Streamer UserID `json:"streamer"` // the owner of the live
	Target   string `json:"target"`   // name of the target in the live
}

func (RestreamRemoved) Type() string        { return "restream.removed.v1" }
func (e RestreamRemoved) Stream() Stream    { return liveStream(e.Live) }
func (e RestreamRemoved) EventLive() LiveID { return e.Live }
func (e RestreamRemoved) EventUser() UserID { return e.Streamer }
func (e RestreamRemoved) evolve(l Live) Live {
	left := slices.DeleteFunc(slices.Clone(l.Restreams), func(name string) bool { return name == e.Target })
	if l.Restreams = nil; len(left) > 0 {
		l.Restreams = left
	}
	return l
}

// RecordingCause is the cause of the end or the deletion of a recording: a StopCause, or a cause that the recorder
// defines.
type RecordingCause string

// recordingRequested is the cause of a deletion that the command DeleteRecording requests.
const recordingRequested RecordingCause = "requested"

// Recording is the part of a recording that decisions read.
type Recording struct {
	Live     LiveID `json:"live"` // the live that was recorded; 0 if the recording does not exist
	Finished bool   `json:"finished"`
	Deleted  bool   `json:"deleted"`
}

// Recording returns the state of a recording.
func (v View) Recording(id RecordingID) Recording { return look[Recording](v, recordingStream(id)) }

// of reports whether the recording belongs to broadcast. The ids may differ: if the encoder reconnects after the log
// has recorded the loss of a broadcast, the resumed broadcast has the id ID-TIME, but the recording keeps the id ID.
func (r RecordingID) of(broadcast BroadcastID) bool {
	return string(broadcast) == string(r) || strings.HasPrefix(string(broadcast), string(r)+"-")
}

// SetRecording turns the recording of a live's future broadcasts on or off. Only the streamer may issue this command.
type SetRecording struct {
	Live LiveID `json:"live"` // the live whose future broadcasts are recorded or not
	On   bool   `json:"on"`   // whether future broadcasts are recorded
}

func (SetRecording) Type() string { return "live.set_recording" }

func (c SetRecording) Reads(Actor) []Stream { return []Stream{liveStream(c.Live)} }

func (c SetRecording) decide(view View) ([]Event, error) {
	live := view.Live(c.Live)
	choice := RecordOff
	if c.On {
		choice = RecordOn
	}
	switch {
	case live.Streamer == 0 || live.Streamer != view.Actor.User: // the same refusal as for a missing live, so that lives of other users are not disclosed
		return nil, refuse(CodeLiveNotFound, "you have no live %d", c.Live)
	case live.Status == StatusEnded:
		return nil, refuse(CodeLiveEnded, "live %d has ended", c.Live)
	case live.Record == choice:
		return nil, nil
	}
	return []Event{LiveRecordingSet{c.Live, live.Streamer, choice}}, nil
}

// LiveRecordingSet records that the streamer has turned the recording of a live's broadcasts on or off.
type LiveRecordingSet struct {
	Live     LiveID       `json:"live"`     // the live whose future broadcasts are recorded or not
	Streamer UserID       `json:"streamer"` // the owner of the live
	Record   RecordChoice `json:"record"`   // whether future broadcasts of the live are recorded
}

func (LiveRecordingSet) Type() string         { return "live.recording_set.v1" }
func (e LiveRecordingSet) Stream() Stream     { return liveStream(e.Live) }
func (e LiveRecordingSet) EventLive() LiveID  { return e.Live }
func (e LiveRecordingSet) EventUser() UserID  { return e.Streamer }
func (e LiveRecordingSet) evolve(l Live) Live { l.Record = e.Record; return l }

// StartRecording records that the recording of a broadcast has started.
type StartRecording struct {
	Live      LiveID      `json:"live"`      // the live that is recorded
	Recording RecordingID `json:"recording"` // the new recording; it has the id of the broadcast
	StreamKey string      `json:"-"`         // stream key of the live that is recorded; "" if it is not known
}

func (StartRecording) Type() string { return "recording.start" }

func (c StartRecording) Reads(Actor) []Stream {
	return []Stream{recordingStream(c.Recording), liveStream(c.Live)}
}

func (c StartRecording) serverTexts() []string { return []string{string(c.Recording), c.StreamKey} }

func (c StartRecording) decide(view View) ([]Event, error) {
	return view.startRecording(c.Live, c.Recording, c.StreamKey)
}

// startRecording returns the event of the start of a recording, unless the log has it. It refuses a live with another stream key:
// when the log falls back to an earlier state, another live may get the id of a lost one.
func (v View) startRecording(id LiveID, recording RecordingID, streamKey string) ([]Event, error) {
	live := v.Live(id)
	switch {
	case recording == "":
		return nil, refuse(CodeBadRequest, "a recording requires an id")
	case live.Streamer == 0, streamKey != "" && live.StreamKey != streamKey:
		return nil, refuse(CodeLiveNotFound, "there is no live %d with the stream of the recording", id)
	case v.Recording(recording).Live != 0:
		return nil, nil
	}
	return []Event{RecordingStarted{id, live.Streamer, recording}}, nil
}

// RecordingStarted records that the recording of a broadcast has started.
type RecordingStarted struct {
	Live      LiveID      `json:"live"`      // the live that is recorded
	Streamer  UserID      `json:"streamer"`  // the owner of the live
	Recording RecordingID `json:"recording"` // the new recording; it has the id of the broadcast
}

func (RecordingStarted) Type() string                   { return "recording.started.v1" }
func (e RecordingStarted) Stream() Stream               { return recordingStream(e.Recording) }
func (e RecordingStarted) EventLive() LiveID            { return e.Live }
func (e RecordingStarted) EventUser() UserID            { return e.Streamer }
func (e RecordingStarted) evolve(r Recording) Recording { r.Live = e.Live; return r }

// RecordingPart describes one file of a recording. The recorder starts a new file when the frame size or the codecs
// change.
type RecordingPart struct {
	File       string    `json:"file"`        // name of the file without its folder
	StartedAt  time.Time `json:"started_at"`  // time at which the first frame arrived
	DurationMS int64     `json:"duration_ms"` // length of the file in milliseconds
	Bytes      int64     `json:"bytes"`       // size of the file in bytes
	Media      MediaInfo `json:"media"`       // codecs and frame size of the file
}

// maxRecordingParts is the maximum number of files of a recording. The recorder stops before it reaches this number.
const maxRecordingParts = 128

func (p RecordingPart) check() error {
	switch {
	case p.File == "" || len(p.File) > maxMediaName || !printable(p.File):
		return refuse(CodeBadRequest, "file must have 1 to %d bytes of printable ASCII", maxMediaName)
	case p.DurationMS < 0 || p.Bytes < 0:
		return refuse(CodeNumberOutOfRange, "duration_ms and bytes must not be negative")
	case !fourDigitYear(p.StartedAt):
		return refuse(CodeNumberOutOfRange, "started_at must have a year from 1 to 9999")
	}
	return p.Media.check()
}

// fourDigitYear reports whether the year of t is from 1 to 9999, the range of tables and JSON.
func fourDigitYear(t time.Time) bool { return t.Year() >= 1 && t.Year() <= 9999 }

// FinishRecording records the end of a recording and its files. Nothing changes if the recording is already finished.
type FinishRecording struct {
	Live       LiveID          `json:"live"`        // the live that was recorded
	Recording  RecordingID     `json:"recording"`   // the recording that has ended
	Cause      RecordingCause  `json:"cause"`       // why the recording was finished: 1–32 bytes
	StartedAt  time.Time       `json:"started_at"`  // time at which the first frame arrived
	EndedAt    time.Time       `json:"ended_at"`    // time at which the last frame arrived
	DurationMS int64           `json:"duration_ms"` // length of all files in milliseconds
	Bytes      int64           `json:"bytes"`       // size of all files in bytes
	Parts      []RecordingPart `json:"parts"`       // the files of the recording: at most 128
	StreamKey  string          `json:"-"`           // stream key of the live that was recorded; "" if it is not known
}

func (FinishRecording) Type() string { return "recording.finish" }

func (c FinishRecording) Reads(Actor) []Stream {
	return []Stream{recordingStream(c.Recording), liveStream(c.Live)}
}

func (c FinishRecording) serverTexts() []string {
	return []string{string(c.Recording), string(c.Cause), c.StreamKey}
}

func (c FinishRecording) decide(view View) ([]Event, error) {
	events, err := view.startRecording(c.Live, c.Recording, c.StreamKey) // appends the event of the start too, if it is missing from the log
	recording := view.Recording(c.Recording)
	switch {
	case err != nil:
		return nil, err
	case recording.Finished || recording.Deleted:
		return nil, nil
	case c.Cause == "" || len(c.Cause) > maxMediaName:
		return nil, refuse(CodeBadRequest, "cause must have 1 to %d bytes", maxMediaName)
	case c.DurationMS < 0 || c.Bytes < 0 || len(c.Parts) > maxRecordingParts:
		return nil, refuse(CodeNumberOutOfRange, "duration_ms and bytes must not be negative, and a recording must have at most %d parts", maxRecordingParts)
	case !fourDigitYear(c.StartedAt) || !fourDigitYear(c.EndedAt):
		return nil, refuse(CodeNumberOutOfRange, "started_at and ended_at must have a year from 1 to 9999")
	}
	for _, p := range c.Parts {
		if err := p.check(); err != nil {
			return nil, err
		}
	}
	return append(events, RecordingFinished{Live: c.Live, Streamer: view.Live(c.Live).Streamer, Recording: c.Recording, Cause: c.Cause,
		StartedAt: c.StartedAt.UTC(), EndedAt: c.EndedAt.UTC(), DurationMS: c.DurationMS, Bytes: c.Bytes, Parts: slices.Clone(c.Parts)}), nil
}

// RecordingFinished records the end of a recording and its files.
type RecordingFinished struct {
	Live       LiveID          `json:"live"`        // the live that was recorded
	Streamer   UserID          `json:"streamer"`    // the owner of the live
	Recording  RecordingID     `json:"recording"`   // the recording that has ended
	Cause      RecordingCause  `json:"cause"`       // why the recording was finished: the cause of the broadcast's end, or "disk_full", "quota", "interrupted", "parts" or "failed"
	StartedAt  time.Time       `json:"started_at"`  // time at which the first frame arrived
	EndedAt    time.Time       `json:"ended_at"`    // time at which the last frame arrived
	DurationMS int64           `json:"duration_ms"` // length of all files in milliseconds
	Bytes      int64           `json:"bytes"`       // size of all files in bytes
	Parts      []RecordingPart `json:"parts"`       // the files of the recording
}

func (RecordingFinished) Type() string                 { return "recording.finished.v1" }
func (e RecordingFinished) Stream() Stream             { return recordingStream(e.Recording) }
func (e RecordingFinished) EventLive() LiveID          { return e.Live }
func (e RecordingFinished) EventUser() UserID          { return e.Streamer }
func (RecordingFinished) evolve(r Recording) Recording { r.Finished = true; return r }

// DeleteRecording deletes a recording of a live of the actor. Operators may delete every recording. The command is
// refused while the recording is being written.
type DeleteRecording struct {
	Live      LiveID      `json:"live"`      // the live that was recorded
	Recording RecordingID `json:"recording"` // the recording to delete
	Reason    string      `json:"reason"`    // the operator's or streamer's reason, stored in the event: at most 100 characters, may be empty; must not identify a person
}

func (DeleteRecording) Type() string { return "recording.delete" }

func (c DeleteRecording) Reads(Actor) []Stream {
	return []Stream{recordingStream(c.Recording), liveStream(c.Live)}
}

func (c DeleteRecording) decide(view View) ([]Event, error) {
	live, recording := view.Live(c.Live), view.Recording(c.Recording)
	switch {
	case recording.Live == 0 || recording.Live != c.Live || recording.Deleted,
		live.Streamer != view.Actor.User && !view.isOperator():
		return nil, refuse(CodeRecordingNotFound, "you have no recording %s in live %d", c.Recording, c.Live)
	case !recording.Finished && c.Recording.of(live.Broadcast):
		return nil, refuse(CodeRecordingRunning, "recording %s is still being written", c.Recording)
	}
	reason, err := operatorReason(c.Reason)
	if err != nil {
		return nil, err
	}
	return []Event{RecordingDeleted{c.Live, live.Streamer, c.Recording, recordingRequested, reason}}, nil
}

// DiscardRecording deletes a recording because it has expired or its space is needed.
type DiscardRecording struct {
	Live      LiveID         `json:"live"`      // the live that was recorded
	Recording RecordingID    `json:"recording"` // the recording to delete
	Cause     RecordingCause `json:"cause"`     // why the recording is deleted: 1–32 bytes
}

func (DiscardRecording) Type() string { return "recording.discard" }

func (c DiscardRecording) Reads(Actor) []Stream {
	return []Stream{recordingStream(c.Recording), liveStream(c.Live)}
}

func (c DiscardRecording) serverTexts() []string {
	return []string{string(c.Recording), string(c.Cause)}
}

func (c DiscardRecording) decide(view View) ([]Event, error) {
	recording := view.Recording(c.Recording)
	switch {
	case c.Cause == "" || len(c.Cause) > maxMediaName:
		return nil, refuse(CodeBadRequest, "cause must have 1 to %d bytes", maxMediaName)
	case recording.Live == 0 || recording.Live != c.Live || recording.Deleted:
		return nil, nil
	}
	return []Event{RecordingDeleted{c.Live, view.Live(c.Live).Streamer, c.Recording, c.Cause, ""}}, nil
}

// RecordingDeleted records that a recording was deleted. The recorder then removes its files.
type RecordingDeleted struct {
	Live      LiveID         `json:"live"`      // the live that was recorded
	Streamer  UserID         `json:"streamer"`  // the owner of the live
	Recording RecordingID    `json:"recording"` // the recording that was deleted
	Cause     RecordingCause `json:"cause"`     // why the recording was deleted: "requested", "expired" or "quota"
	Reason    string         `json:"reason"`    // the operator's or streamer's reason; not sealed; may be empty
}

func (RecordingDeleted) Type() string                 { return "recording.deleted.v1" }
func (e RecordingDeleted) Stream() Stream             { return recordingStream(e.Recording) }
func (e RecordingDeleted) EventLive() LiveID          { return e.Live }
func (e RecordingDeleted) EventUser() UserID          { return e.Streamer }
func (RecordingDeleted) evolve(r Recording) Recording { r.Deleted = true; return r }
