package domain

import (
	"slices"
	"strings"
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

func (BroadcastStarted) Type() string         { return "broadcast.started.v1" }
func (e BroadcastStarted) Stream() Stream     { return liveStream(e.Live) }
func (e BroadcastStarted) EventLive() LiveID  { return e.Live }
func (e BroadcastStarted) EventUser() UserID  { return e.Streamer }
func (e BroadcastStarted) evolve(l Live) Live { l.Broadcast = e.Broadcast; return l }

// StopCause is why a broadcast stopped.
type StopCause string

// The causes with which a broadcast can stop.
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
	Live LiveID `json:"live"` // the live
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
	Live     LiveID `json:"live"`        // the live
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
	Live LiveID `json:"live"` // the live
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
	Live     LiveID `json:"live"`     // the live
	Streamer UserID `json:"streamer"` // the owner of the live
}

func (PublishKeyRevoked) Type() string        { return "live.publish_key_revoked.v1" }
func (e PublishKeyRevoked) Stream() Stream    { return liveStream(e.Live) }
func (e PublishKeyRevoked) EventLive() LiveID { return e.Live }
func (e PublishKeyRevoked) EventUser() UserID { return e.Streamer }
func (PublishKeyRevoked) evolve(l Live) Live  { l.PublishKey = ""; return l }
