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

// Notification is the body of a hook.
type Notification struct {
	Hook string    `json:"hook"` // "pre_publish": pre, post or done; connect, publish or play
	Node string    `json:"process"`
	Seq  uint64    `json:"seq,omitempty"` // of post and done: 1, 2, 3, … of a process; a gap is something that was given up
	Time time.Time `json:"at"`

	ID         string         `json:"id"` // of the connection
	Address    string         `json:"address"`
	Protocol   media.Protocol `json:"protocol"`
	StreamPath string         `json:"stream_path,omitempty"` // "/live/KEY", of publish and play
	Args       map[string]any `json:"args"`                  // the query, and what an RTMP client said when it connected; of post and done the first 32, and 256 bytes of each

	// Of post and done of publish:
	Live      domain.LiveID `json:"live,omitempty"`
	Broadcast string        `json:"show,omitempty"`
	Position  int64         `json:"position,omitempty"` // where it is in the log
	Media     *MediaInfo    `json:"picture,omitempty"`

	// Of done:
	Reason media.Reason `json:"reason,omitempty"`
	Bytes  uint64       `json:"bytes,omitempty"`
}

// MediaInfo is what a show holds.
type MediaInfo struct {
	Video  string `json:"video"`
	Width  int    `json:"width"`
	Height int    `json:"height"`
	Audio  string `json:"audio"`
}

func (h *Hooks) notice(hook string, c media.Client, key string) Notification {
	n := Notification{Hook: hook, Node: h.cfg.Node, Time: h.cfg.Now().UTC(), ID: c.ID, Address: c.Address, Protocol: c.Protocol, Args: argsOf(c)}
	if key != "" {
		n.StreamPath = "/" + media.App + "/" + key
	}
	return n
}

// argsOf puts the query over what was said when the client connected.
func argsOf(c media.Client) map[string]any {
	args := make(map[string]any, len(c.Fields)+len(c.Args))
	for name, value := range c.Fields {
		switch v := value.(type) {
		case float64:
			if !math.IsNaN(v) && !math.IsInf(v, 0) { // which JSON does not know
				args[name] = v
			}
		case string, bool: // what else there may be says nothing to anybody
			args[name] = v
		}
	}
	queried := make(map[string]any, len(c.Args))
	for name, values := range c.Args {
		if len(values) > 0 {
			queried[name] = values[0]
		}
	}
	maps.Copy(args, queried)
	return args
}

// short is what is kept of args while they wait: so much that a queue of them takes bounded memory.
func short(args map[string]any) map[string]any {
	names := slices.Sorted(maps.Keys(args))
	kept := make(map[string]any, min(len(names), mostArgs))
	for _, name := range names[:min(len(names), mostArgs)] {
		value := args[name]
		if text, is := value.(string); is {
			value = cut(text)
		}
		kept[cut(name)] = value
	}
	return kept
}

// cut is the beginning of a text, which does not keep the rest in memory.
func cut(text string) string {
	if len(text) <= mostArg {
		return text
	}
	return strings.Clone(strings.ToValidUTF8(text[:mostArg], ""))
}

func pictureOf(s media.Broadcast) *MediaInfo {
	return &MediaInfo{string(s.Video), s.Size.Width, s.Size.Height, string(s.Audio)}
}
