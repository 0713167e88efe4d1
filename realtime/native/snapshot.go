package native

import (
	"bytes"
	"time"

	"roomlog/realtime/ws"
)

// sharedSnapshot is a snapshot of a live that all sessions may use until something in it changes.
type sharedSnapshot struct {
	history  int64     // number of the history of the log to which the snapshot belongs
	profiles int64     // result of Hub.ProfileChanges before the snapshot was read
	read     int64     // number of the read of the snapshot, see channel.reads
	at       time.Time // time at which the read of the snapshot began
	pos      int64     // position of the snapshot
	json     []byte
}

// reply returns the reply to a join.
func (f *sharedSnapshot) reply(re string) *ws.Frame {
	empty := encode(replyFrame{re, "ok", joinReply{}})
	text := bytes.NewBuffer(make([]byte, 0, len(empty)+len(f.json)+len(`"snapshot":`)))
	text.Write(bytes.TrimSuffix(empty, []byte("}}")))
	text.WriteString(`"snapshot":`)
	text.Write(f.json)
	text.WriteString("}}")
	return ws.TextFrame(text.Bytes())
}
