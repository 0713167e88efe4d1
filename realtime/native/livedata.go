package native

import (
	"time"

	"roomlog/domain"
	"roomlog/projections"
)

// Types for the field data of requests about lives and the connection.
type (
	helloData struct {
		Token string `json:"token"`
		Since string `json:"since,omitempty" jsonschema_description:"cursor of the user channel: what came after it is sent again"`
	}
	joinData struct {
		Live  domain.LiveID `json:"live"`
		Since string        `json:"since,omitempty" jsonschema_description:"cursor of the newest fact or of the snapshot that the client has of this live"`
	}
	leaveData struct {
		Live domain.LiveID `json:"live"`
	}
	viewersData struct {
		Live  domain.LiveID `json:"live"`
		After string        `json:"after,omitempty" jsonschema:"maxLength=20" jsonschema_description:"value of next in the previous page"`
	}
	followData struct {
		User domain.UserID `json:"user" jsonschema_description:"the streamer"`
	}
	enterData struct {
		Live       domain.LiveID `json:"live"`
		Password   string        `json:"password,omitempty" jsonschema:"maxLength=512" jsonschema_description:"the password of the live; send either password or invitation"`
		Invitation string        `json:"invitation,omitempty" jsonschema:"maxLength=64" jsonschema_description:"the secret of an invitation to the live"`
	}
	refundData struct {
		Live   domain.LiveID `json:"live"`
		User   domain.UserID `json:"user" jsonschema_description:"the user who has the ticket"`
		Reason string        `json:"reason" jsonschema_description:"recorded: 1 to 100 characters; must not identify a person"`
	}
	ackData struct {
		Live   domain.LiveID `json:"live,omitempty" jsonschema_description:"the live whose facts the client has shown up to cursor; absent: cursor is of the user channel"`
		Cursor string        `json:"cursor" jsonschema_description:"the client has handled everything up to this cursor"`
	}
)

// Types for the field data of replies about lives and the connection.
type (
	helloReply struct {
		User    domain.UserID `json:"user"`
		Epoch   string        `json:"epoch" jsonschema_description:"names the history of the log: it changes when the log falls back to an earlier state, and positions of another epoch mean nothing"`
		Cursor  string        `json:"cursor" jsonschema_description:"position after which the user channel continues"`
		Balance domain.Coins  `json:"balance"`
		Expires *time.Time    `json:"expires,omitempty" jsonschema_description:"end of the token: send hello with a new token before"`
		Reset   bool          `json:"reset,omitempty" jsonschema_description:"true: since is too old or belongs to another history of the log, so nothing is sent again"`
	}
	joinReply struct {
		Resumed  *[2]int64 `json:"resumed,omitempty" jsonschema_description:"the facts from the first position to the second follow"`
		Snapshot *snapshot `json:"snapshot,omitempty"`
	}
	leaveReply struct {
		Left bool `json:"left" jsonschema_description:"false: the connection was not in the live"`
	}
	viewersReply struct {
		Viewers []projections.UserPayload `json:"viewers" jsonschema_description:"newest first"`
		Next    string                    `json:"next,omitempty" jsonschema_description:"present if there are more: send it as after"`
	}
	postReply struct {
		Pos int64  `json:"pos"`
		ID  string `json:"id"`
	}
	commentReply struct {
		Pos  int64  `json:"pos"`
		ID   string `json:"id,omitempty" jsonschema_description:"absent if the comment is held"`
		Held int64  `json:"held,omitempty" jsonschema_description:"number of the comment if it waits for a review: only its author and moderators see it"`
	}
	ticketData struct {
		Live  domain.LiveID `json:"live"`
		Price domain.Coins  `json:"price" jsonschema_description:"price that the user has seen: the request is refused if the ticket has another one"`
	}
	giftReply struct {
		Pos     int64        `json:"pos"`
		Balance domain.Coins `json:"balance"`
	}
	refundReply struct {
		Pos   int64        `json:"pos"`
		Coins domain.Coins `json:"coins" jsonschema_description:"coins that went back to the user"`
	}
	pingReply struct {
		At time.Time `json:"at" jsonschema_description:"time of the server"`
	}
)

// Types for the field data of pushes about lives that package projections does not define.
type (
	gaugesInfo struct {
		Online    int64 `json:"online" jsonschema_description:"viewers in the live"`
		LookCount int64 `json:"look_count" jsonschema_description:"users who ever joined the live"`
		Coins     int64 `json:"coins" jsonschema_description:"coins of all gifts so far"`
	}
	joinBatchInfo struct {
		Joined int                       `json:"joined"`
		Left   int                       `json:"left"`
		Newest []projections.UserPayload `json:"newest" jsonschema_description:"users who joined and are still there, newest first, at most 10"`
	}
	skippedInfo struct {
		Count int `json:"n" jsonschema_description:"number of facts that were left out"`
	}
	liveStartedInfo struct {
		Title string                  `json:"title"`
		Cover string                  `json:"cover"`
		Owner projections.UserPayload `json:"owner"`
	}
	followerInfo struct {
		User projections.UserPayload `json:"user"`
	}
	removedInfo struct {
		Code   domain.Code `json:"code"`
		Text   string      `json:"text" jsonschema_description:"for people, in English"`
		TextZH string      `json:"text_zh" jsonschema_description:"for people, in Chinese"`
	}
	resetInfo struct {
		Epoch   string       `json:"epoch"`
		Cursor  string       `json:"cursor" jsonschema_description:"position after which the user channel continues"`
		Balance domain.Coins `json:"balance"`
	}
	bannedInfo struct {
		Code   domain.Code `json:"code" jsonschema:"enum=banned"`
		Text   string      `json:"text" jsonschema_description:"for people: the reason if one was given, else a text in English"`
		TextZH string      `json:"text_zh" jsonschema_description:"for people: the reason if one was given, else a text in Chinese"`
	}
)

// snapshot is the state of a live as of one position.
type snapshot struct {
	Epoch    string                       `json:"epoch"`
	Pos      int64                        `json:"pos"`
	Cursor   string                       `json:"cursor" jsonschema_description:"send it as since of the next room.join, until a fact follows"`
	Live     liveInfo                     `json:"live"`
	Owner    projections.UserPayload      `json:"owner"`
	Gauges   gaugesInfo                   `json:"gauges"`
	Comments []projections.CommentPayload `json:"comments" jsonschema_description:"the newest 50, newest first"`
	Gifts    []projections.GiftPayload    `json:"gifts" jsonschema_description:"the newest 50, newest first"`
	Viewers  []projections.UserPayload    `json:"viewers" jsonschema_description:"at most 100 viewers, newest first"`

	Moderators []projections.UserPayload `json:"moderators" jsonschema_description:"in the order of their appointments"`
	Modes      []projections.ModePayload `json:"modes" jsonschema_description:"what restricts comments; a mode whose until has passed is off"`
}

type liveInfo struct {
	ID      domain.LiveID               `json:"id"`
	Title   string                      `json:"title"`
	Cover   string                      `json:"cover"`
	Status  domain.Status               `json:"status" jsonschema:"enum=0,enum=1,enum=2,enum=3" jsonschema_description:"0 not started, 1 on air, 2 paused, 3 ended"`
	Created time.Time                   `json:"created_at"`
	Media   *projections.BroadcastMedia `json:"media" jsonschema:"nullable" jsonschema_description:"what the broadcast contains; null: there is none now"`
}

// snapshotOf converts a snapshot from the tables into the form for clients.
func snapshotOf(epoch, cursor string, l projections.LiveSnapshot) *snapshot {
	s := &snapshot{
		Epoch: epoch, Pos: l.Position, Cursor: cursor,
		Live:     liveInfo{l.Live.ID, l.Live.Title, l.Live.Cover, l.Live.Status, l.Live.CreatedAt.UTC(), nil},
		Owner:    projections.UserPayloadOf(l.Live.Owner),
		Gauges:   gaugesInfo{l.Online, l.Live.LookCount, l.Live.Coin},
		Comments: make([]projections.CommentPayload, 0, len(l.Comments)),
		Gifts:    make([]projections.GiftPayload, 0, len(l.Gifts)),
		Viewers:  make([]projections.UserPayload, 0, len(l.Viewers)),

		Moderators: make([]projections.UserPayload, 0, len(l.Moderators)),
		Modes:      make([]projections.ModePayload, 0, len(l.Modes)),
	}
	if b := l.Live.Broadcast; b.ID != "" {
		s.Live.Media = projections.BroadcastMediaOf(b.Media, b.StartedAt)
	}
	for _, c := range l.Comments {
		s.Comments = append(s.Comments, projections.CommentPayload{
			Pos: c.Position, ID: c.ID, User: projections.UserPayloadOf(c.User), Text: c.Text, At: c.At.UTC(),
		})
	}
	for _, g := range l.Gifts {
		s.Gifts = append(s.Gifts, projections.GiftPayload{
			Pos: g.Position, ID: g.ID, User: projections.UserPayloadOf(g.Sender),
			Gift: projections.CatalogueEntry{ID: g.Gift, Name: g.Name, Image: g.Image, Price: g.Price}, Num: g.Num, Coins: g.Coins, At: g.At.UTC(),
		})
	}
	for _, v := range l.Viewers {
		s.Viewers = append(s.Viewers, projections.UserPayloadOf(v))
	}
	for _, m := range l.Moderators {
		s.Moderators = append(s.Moderators, projections.UserPayloadOf(m))
	}
	for _, m := range l.Modes {
		s.Modes = append(s.Modes, projections.ModePayloadOf(m))
	}
	return s
}
