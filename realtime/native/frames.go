package native

import (
	"bytes"
	"encoding/json"
	"time"

	"roomlog/domain"
	"roomlog/projections"
)

// inbound is the envelope of everything a client sends.
type inbound struct {
	ID   string          `json:"id,omitempty" jsonschema:"maxLength=64" jsonschema_description:"comes back as re of the answer"`
	Type string          `json:"type"`
	Key  string          `json:"key,omitempty" jsonschema:"maxLength=64" jsonschema_description:"idempotency: the same key and data get the first answer again"`
	Data json.RawMessage `json:"data,omitempty"`
}

// outbound is the envelope of an answer, and of an error that answers nothing.
type outbound struct {
	Re   string `json:"re,omitempty"`
	Type string `json:"type"`
	Data any    `json:"data"`
}

// What clients send.
type (
	helloData struct {
		Token string `json:"token"`
		Since string `json:"since,omitempty" jsonschema_description:"cursor of the private lane: what came after it is sent again"`
	}
	joinData struct {
		Live  domain.LiveID `json:"live"`
		Since *sinceData    `json:"since,omitempty" jsonschema_description:"what the client has of this room"`
	}
	sinceData struct {
		Epoch string `json:"epoch"`
		Pos   int64  `json:"pos"`
	}
	leaveData struct {
		Live domain.LiveID `json:"live"`
	}
	viewersData struct {
		Live  domain.LiveID `json:"live"`
		After string        `json:"after,omitempty" jsonschema:"maxLength=20" jsonschema_description:"next of the page before"`
	}
	ackData struct {
		Cursor string `json:"cursor" jsonschema_description:"everything on the private lane up to it has been handled"`
	}
	noData struct{}
)

// What clients are answered.
type (
	helloReply struct {
		User    domain.UserID `json:"user"`
		Epoch   string        `json:"epoch" jsonschema_description:"names the log: positions and cursors of another one mean nothing"`
		Cursor  string        `json:"cursor" jsonschema_description:"where the private lane goes on"`
		Balance domain.Coins  `json:"balance"`
		Expires *time.Time    `json:"expires,omitempty" jsonschema_description:"of the token: say hello with a new one before"`
		Reset   bool          `json:"reset,omitempty" jsonschema_description:"since was too long ago, or of another log: nothing is sent again"`
	}
	joined struct {
		Resumed  *[2]int64 `json:"resumed,omitempty" jsonschema_description:"the facts from the first position up to the second follow"`
		Snapshot *snapshot `json:"snapshot,omitempty"`
	}
	left struct {
		Left bool `json:"left" jsonschema_description:"false: was not in the room"`
	}
	viewersPage struct {
		Viewers []personInfo `json:"viewers" jsonschema_description:"newest first"`
		Next    string       `json:"next,omitempty" jsonschema_description:"there are more: ask again after it"`
	}
	posted struct {
		Pos int64  `json:"pos"`
		ID  string `json:"id"`
	}
	given struct {
		Pos     int64        `json:"pos"`
		Balance domain.Coins `json:"balance"`
	}
	pongData struct {
		At time.Time `json:"at" jsonschema_description:"the server's clock"`
	}
)

// viewersAtOnce is how many people an answer to room.viewers names.
const viewersAtOnce = 100

// snapshot is a room as of one position.
type snapshot struct {
	Epoch    string        `json:"epoch"`
	Pos      int64         `json:"pos"`
	Room     roomInfo      `json:"room"`
	Owner    personInfo    `json:"owner"`
	Gauges   gaugesInfo    `json:"gauges"`
	Comments []commentInfo `json:"comments" jsonschema_description:"the newest 50, newest first"`
	Gifts    []giftInfo    `json:"gifts" jsonschema_description:"the newest 50, newest first"`
	Viewers  []personInfo  `json:"viewers" jsonschema_description:"100 of those present, newest first"`
}

type (
	roomInfo struct {
		ID      domain.LiveID `json:"id"`
		Title   string        `json:"title"`
		Cover   string        `json:"cover"`
		Status  domain.Status `json:"status" jsonschema:"enum=0,enum=1,enum=2,enum=3" jsonschema_description:"0 not started, 1 on air, 2 paused, 3 ended"`
		Created time.Time     `json:"created_at"`
		Picture *pictureInfo  `json:"picture" jsonschema_description:"what its stream holds; null: it has none now"`
	}
	pictureInfo struct {
		domain.MediaInfo
		Since time.Time `json:"since"`
	}
	personInfo struct {
		ID     domain.UserID `json:"id"`
		Name   string        `json:"name"`
		Avatar string        `json:"avatar"`
	}
	gaugesInfo struct {
		Online    int64 `json:"online" jsonschema_description:"people in the room"`
		LookCount int64 `json:"look_count" jsonschema_description:"people who ever were"`
		Coins     int64 `json:"coins" jsonschema_description:"given in it so far"`
	}
	commentInfo struct {
		Pos  int64      `json:"pos,omitempty" jsonschema_description:"in a snapshot; a push has its own"`
		ID   string     `json:"id"`
		User personInfo `json:"user"`
		Text string     `json:"text"`
		At   time.Time  `json:"at"`
	}
	giftInfo struct {
		Pos   int64        `json:"pos,omitempty" jsonschema_description:"in a snapshot; a push has its own"`
		ID    string       `json:"id"`
		User  personInfo   `json:"user"`
		Gift  shelfInfo    `json:"gift" jsonschema_description:"as it was when it was given"`
		Num   int          `json:"num"`
		Coins domain.Coins `json:"coins" jsonschema_description:"price × num"`
		At    time.Time    `json:"at"`
	}
	shelfInfo struct {
		ID    domain.GiftID `json:"id"`
		Name  string        `json:"name"`
		Image string        `json:"image"`
		Price domain.Coins  `json:"price"`
	}
)

func personOf(p projections.Profile) personInfo { return personInfo{p.ID, p.Name(), p.Avatar} }

// snapshotOf is a room as clients see it.
func snapshotOf(epoch string, r projections.LiveSnapshot) *snapshot {
	s := &snapshot{
		Epoch: epoch, Pos: r.Position,
		Room:     roomInfo{r.Live.ID, r.Live.Title, r.Live.Cover, r.Live.Status, r.Live.CreatedAt.UTC(), nil},
		Owner:    personOf(r.Live.Owner),
		Gauges:   gaugesInfo{r.Online, r.Live.LookCount, r.Live.Coin},
		Comments: make([]commentInfo, 0, len(r.Comments)),
		Gifts:    make([]giftInfo, 0, len(r.Gifts)),
		Viewers:  make([]personInfo, 0, len(r.Viewers)),
	}
	if show := r.Live.Broadcast; show.ID != "" {
		s.Room.Picture = pictureOf(show.Media, show.StartedAt)
	}
	for _, c := range r.Comments {
		s.Comments = append(s.Comments, commentInfo{c.Position, c.ID, personOf(c.User), c.Text, c.At.UTC()})
	}
	for _, g := range r.Gifts {
		s.Gifts = append(s.Gifts, giftInfo{g.Position, g.ID, personOf(g.Sender),
			shelfInfo{g.Gift, g.Name, g.Image, g.Price}, g.Num, g.Coins, g.At.UTC()})
	}
	for _, v := range r.Viewers {
		s.Viewers = append(s.Viewers, personOf(v))
	}
	return s
}

func pictureOf(p domain.MediaInfo, since time.Time) *pictureInfo { return &pictureInfo{p, since.UTC()} }

// encode is JSON as it leaves: texts raw, for clients put them where they belong.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil { // frames are made of strings, numbers and times
		panic("realtime: encode a frame: " + err.Error())
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
