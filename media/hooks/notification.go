package hooks

import (
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"roomlog/domain"
	"roomlog/media"
)

// Notification is the body of a webhook request.
type Notification struct {
	Hook string    `json:"hook"` // "pre_", "post_" or "done_" followed by "connect", "publish" or "play"
	Node string    `json:"node"`
	Seq  uint64    `json:"seq,omitempty"` // number of a post or done hook: 1, 2, 3, … per node; a number that never arrives belongs to a dropped notification
	Time time.Time `json:"time"`

	ID         string         `json:"id"` // id of the connection
	Address    string         `json:"address"`
	Protocol   media.Protocol `json:"protocol"`
	StreamPath string         `json:"stream_path,omitempty"` // path of the stream, "/live/KEY"; only in publish and play hooks
	Args       map[string]any `json:"args"`                  // query, and fields of the RTMP connect command; post and done hooks contain the first 32, each cut to 256 bytes

	// Only in post_publish and done_publish:
	Live      domain.LiveID `json:"live,omitempty"`
	Broadcast string        `json:"broadcast,omitempty"`
	Position  int64         `json:"position,omitempty"` // position of the event in the log
	Media     *MediaInfo    `json:"media,omitempty"`

	// Only in done hooks:
	Reason media.Reason `json:"reason,omitempty"`
	Bytes  uint64       `json:"bytes,omitempty"`
}

// MediaInfo holds the codecs and the picture size of a broadcast.
type MediaInfo struct {
	Video  string `json:"video"`
	Width  int    `json:"width"`
	Height int    `json:"height"`
	Audio  string `json:"audio"`
}

// newNotification returns a notification about a client. key is the stream key, "" for connect hooks.
func newNotification(cfg Config, hook string, c media.Client, key string) Notification {
	n := Notification{Hook: hook, Node: cfg.Node, Time: cfg.Now().UTC(), ID: c.ID, Address: c.Address, Protocol: c.Protocol, Args: argsOf(c)}
	if key != "" {
		n.StreamPath = "/" + media.App + "/" + key
	}
	return n
}

// argsOf returns the fields of the connect command and the query, without publish keys. For a name that is in both, it
// returns the value of the query.
func argsOf(c media.Client) map[string]any {
	args := make(map[string]any, len(c.Fields)+len(c.Args))
	for name, value := range c.Fields {
		switch v := value.(type) {
		case float64:
			if !math.IsNaN(v) && !math.IsInf(v, 0) { // JSON cannot represent these
				args[name] = v
			}
		case string:
			args[name] = media.HidePublishKeys(v)
		case bool:
			args[name] = v
		}
	}
	for name, values := range c.Args {
		if len(values) > 0 {
			args[name] = media.HidePublishKeys(values[0])
		}
	}
	return args
}

// shorten returns at most maxArgs arguments, each truncated to maxArg bytes, so that the queue uses bounded memory.
func shorten(args map[string]any) map[string]any {
	names := slices.Sorted(maps.Keys(args))
	kept := make(map[string]any, min(len(names), maxArgs))
	for _, name := range names[:min(len(names), maxArgs)] {
		value := args[name]
		if text, is := value.(string); is {
			value = truncate(text)
		}
		kept[truncate(name)] = value
	}
	return kept
}

// truncate returns the first maxArg bytes of a text as a copy, so that the rest is not kept in memory.
func truncate(text string) string {
	if len(text) <= maxArg {
		return text
	}
	return strings.Clone(strings.ToValidUTF8(text[:maxArg], ""))
}

func mediaInfoOf(b media.Broadcast) *MediaInfo {
	return &MediaInfo{string(b.Video), b.Size.Width, b.Size.Height, string(b.Audio)}
}
