package chat

import (
	"context"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"roomlog/domain"
	"roomlog/projections"
	"roomlog/realtime/hub"
	"roomlog/realtime/ws"
)

const (
	chatListed  = 50   // connections that a coming or going names: the newest
	censusPage  = 500  // people read at once
	maxUnopened = 1000 // facts that wait for a connection to have entered

	maxConnectionID = 64              // bytes of the ID of a connection
	deliveryTimeout = 5 * time.Second // bounds the wait for what was not delivered yet

)

// Listener is told what a connection hears of the chat. Its methods are called one after another and must not
// wait, or ask the chat for anything.
type Listener interface {
	// Overhear is called for everything that happens where the connection is, and for what is said to it alone.
	Deliver(f *Update)
	// Typing is called when somebody is writing: in a room, or to this connection alone if the room is "".
	Typing(by Participant, room domain.ChatRoomID)
	// Reset is called when the connection missed something, or passes for gone: it has to come back.
	Reset()
}

// Update is something that happened in the chat. Event is a domain.ParticipantEntered, NicknameSet, ChatRoomJoined,
// ChatRoomLeft, ChatRoomRemoved or MessagePosted.
type Update struct {
	projections.Delta
	By          Participant // whose doing it is, as far as the chat knows
	Present     bool        // who said it is in the chat, by this or another connection
	Connections []string    // the newest connections of the room after somebody came or went
	Online      int         // how many there are then

	frames map[string]*ws.Frame
}

// Frame answers the frame that make makes of the fact: made once for each dialect.
func (f *Update) Frame(dialect string, make_ func() *ws.Frame) *ws.Frame {
	frame, made := f.frames[dialect]
	if !made {
		if f.frames == nil {
			f.frames = make(map[string]*ws.Frame)
		}
		frame = make_()
		f.frames[dialect] = frame
	}
	return frame
}

// Chat is what happens beside the live rooms: people who write to each other, in rooms that anybody may open. What
// is said, and who comes and goes, is in the log; who is typing is not.
type Chat struct {
	hub      *hub.Hub
	cfg      Config
	people   *peopleRates
	inbox    *inbox
	murmur   *murmur
	leaves   *leaves
	entries  *turns
	openings *turns

	mu      sync.Mutex // taken before that of any member's dialect
	census  census
	asOf    int64                                       // of the log, when the census was read
	members map[string]*Session                         // of this process, by connection
	halls   map[domain.ChatRoomID]map[*Session]struct{} // who hears a room; "" is the chat of everybody
}

// NewChat creates the chat of a node and has the hub deliver to it.
func New(cfg Config) (*Chat, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	cfg.setDefaults()
	c := &Chat{
		hub: cfg.Hub, cfg: cfg, people: newPeopleRates(cfg),
		inbox: newInbox(), murmur: newMurmur(cfg.Store, cfg.Log), entries: newEntries(cfg), openings: newOpenings(cfg), census: newCensus(),
		members: make(map[string]*Session), halls: make(map[domain.ChatRoomID]map[*Session]struct{}),
	}
	c.leaves = newLeaves(cfg.Commands, cfg.Log, c.nameKey)
	cfg.Hub.AddFollower(c)
	return c, nil
}

// Run delivers what the hub queues, batches typing notes and executes queued leaves until ctx ends.
func (c *Chat) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return c.inbox.run(ctx, c.tell) })
	g.Go(func() error { return c.murmur.run(ctx, c.typed) })
	g.Go(func() error { return c.leaves.run(ctx) })
	return g.Wait()
}

// Deliver queues the deltas of the chat; with them everything up to position has been delivered. It does not block.
func (c *Chat) Deliver(position int64, deltas ...projections.Delta) {
	deltas = slices.DeleteFunc(deltas, func(d projections.Delta) bool { return !d.Chat() && d.Kind != projections.KindProfile })
	c.inbox.add(position, deltas...)
}

// Flush waits until the log knows of everybody who has left, or ctx ends.
func (c *Chat) Flush(ctx context.Context) { c.leaves.settle(ctx) }

// nameKey answers by which key a guest's name is known.
func (c *Chat) nameKey(id domain.ParticipantID, otherwise string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if one := c.census.people[id]; one != nil {
		return one.nameKey
	}
	return otherwise
}

// called answers by which key somebody is found: of people who are signed in that of their name now.
func (c *Chat) called(p Participant, nameKey string) string {
	if p.User.ID != 0 {
		return c.NameKey(p.User.Name())
	}
	return nameKey
}

// tell has a delta heard by those whom it concerns.
func (c *Chat) tell(d projections.Delta) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d.Position <= c.asOf { // was still to be told when the census was read that has it
		return
	}
	f := &Update{Delta: d}
	switch e := d.Event.(type) {
	case domain.ParticipantEntered:
		f.By = Participant{e.Participant, e.Connection, e.Profile, profileIf(e.User, d.Profile), e.Nickname, e.Node}
		c.census.enter(f.By, e.NameKey, c.called(f.By, e.NameKey))
		c.entered(e)
		if e.Profile == domain.ProfilePlain && e.Nickname != "" {
			c.tellHalls(f, "")
		}
	case domain.NicknameSet:
		if one := c.census.people[e.Participant]; one != nil {
			one.Nickname, one.nameKey = e.Nickname, e.NameKey
			c.census.call(one, e.NameKey)
		}
		f.By = c.person(e.Participant, e.Connection, 0, d.Profile)
		c.tellHalls(f, c.roomsOf(e.Participant)...)
	case domain.ChatRoomJoined:
		c.census.join(e.Participant, e.ChatRoom)
		f.By = c.person(e.Participant, e.Connection, e.User, d.Profile)
		f.Connections, f.Online = c.census.newest(e.ChatRoom, chatListed), len(c.census.rooms[e.ChatRoom])
		c.tellHalls(f, e.ChatRoom)
	case domain.ChatRoomLeft:
		f.By = c.person(e.Participant, e.Connection, e.User, d.Profile)
		c.census.part(e.Participant, e.ChatRoom)
		f.Connections, f.Online = c.census.newest(e.ChatRoom, chatListed), len(c.census.rooms[e.ChatRoom])
		c.tellHalls(f, e.ChatRoom)
	case domain.ParticipantLeft:
		c.census.leave(e.Participant)
		if m := c.members[e.Connection]; m != nil && m.ParticipantID() == e.Participant && e.Cause == domain.LeaveNodeLost {
			m.ear.Reset() // another process thought that we were dead
		}
	case domain.ChatRoomRemoved:
		c.census.remove(e.ChatRoom)
		c.tellHalls(f, e.ChatRoom)
	case domain.MessagePosted:
		c.said(f, e)
	case domain.UserProfileChanged:
		c.census.rename(d.Profile, c.NameKey(d.Profile.Name()))
	}
}

// entered notes under which number the log has a connection of this process. One that has ended meanwhile
// leaves again: it was not known whether it had entered.
func (c *Chat) entered(e domain.ParticipantEntered) {
	if e.Node != c.hub.Node() {
		return
	}
	if m := c.members[e.Connection]; m != nil {
		m.seen = e.Participant
		return
	}
	c.leaves.add(domain.LeaveChat{Participant: e.Participant, Cause: domain.LeaveConnectionLost, Node: e.Node, NameKey: e.NameKey})
}

// said has a message heard by those it was said to. What was said to one person is on the person's private lane.
func (c *Chat) said(f *Update, e domain.MessagePosted) {
	f.By, f.Present = c.author(AuthorOf(f.Delta, e))
	switch {
	case e.ToConnection != "":
		if m := c.members[e.ToConnection]; m != nil {
			m.ear.Deliver(f)
		}
	case e.ToUser != 0:
	case len(e.ChatRooms) > 0:
		c.tellHalls(f, e.ChatRooms...)
	default:
		c.tellHalls(f, "")
	}
}

// AuthorOf is who said something, as the message says itself.
func AuthorOf(d projections.Delta, e domain.MessagePosted) Participant {
	return Participant{Guest: e.Participant, Connection: e.Connection, User: profileIf(e.User, d.Profile), Nickname: e.Nickname}
}

// author is who said something, and whether the person is in the chat.
func (c *Chat) author(said Participant) (by Participant, there bool) {
	if one := c.census.people[said.Guest]; one != nil {
		if said.Nickname == "" {
			said.Nickname = one.Nickname
		}
		return said, true
	}
	return said, said.User.ID != 0 && c.census.users[said.User.ID] > 0
}

// profileIf is the profile of somebody signed in.
func profileIf(user domain.UserID, p projections.Profile) projections.Profile {
	if user == 0 {
		return projections.Profile{}
	}
	p.ID = user
	return p
}

// person is who did something, as far as it is known.
func (c *Chat) person(id domain.ParticipantID, connection string, user domain.UserID, p projections.Profile) Participant {
	if one := c.census.people[id]; one != nil {
		return one.Participant
	}
	return Participant{Guest: id, Connection: connection, User: profileIf(user, p)}
}

func (c *Chat) roomsOf(id domain.ParticipantID) []domain.ChatRoomID {
	if one := c.census.people[id]; one != nil {
		return one.rooms
	}
	return nil
}

// tellHalls has a fact heard once by everybody who hears any of some rooms.
func (c *Chat) tellHalls(f *Update, rooms ...domain.ChatRoomID) {
	if len(rooms) == 1 {
		for m := range c.halls[rooms[0]] {
			m.hear(f, rooms[0])
		}
		return
	}
	told := make(map[*Session]bool)
	for _, r := range rooms {
		for m := range c.halls[r] {
			if !told[m] {
				told[m] = m.hear(f, r)
			}
		}
	}
}

// Load reads who is in the chat, as of a position or later. What has happened since is told again, which
// changes nothing; what was before is not told any more.
func (c *Chat) Load(ctx context.Context, at int64) error {
	fresh := newCensus()
	for last := domain.ParticipantID(0); ; {
		page, err := c.cfg.Queries.Roster(ctx, last, censusPage)
		if err != nil {
			return err
		}
		for _, g := range page {
			p := Participant{g.ID, g.Connection, g.Profile, g.User, g.Nickname, g.Node}
			fresh.enter(p, g.NameKey, c.called(p, g.NameKey), g.ChatRooms...)
			last = g.ID
		}
		if len(page) < censusPage {
			break
		}
	}
	c.inbox.clear()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.census, c.asOf = fresh, at
	return nil
}

// typed passes on that somebody is typing.
func (c *Chat) typed(n typing) {
	c.mu.Lock()
	defer c.mu.Unlock()
	by := Participant{Connection: n.From}
	if one := c.census.byConnection[n.From]; one != nil {
		by = one.Participant
	}
	if n.To != "" {
		if m := c.members[n.To]; m != nil {
			m.ear.Typing(by, "")
		}
		return
	}
	for m := range c.halls[domain.ChatRoomID(n.Room)] {
		if m.connection != n.From {
			m.ear.Typing(by, domain.ChatRoomID(n.Room))
		}
	}
}

// Reset disconnects everybody, because deltas were missed.
func (c *Chat) Reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range c.members {
		m.ear.Reset()
	}
}
