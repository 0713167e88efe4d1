package native

import (
	"slices"
	"sync"
	"time"

	"roomlog/domain"
	"roomlog/projections"
	"roomlog/projections/delivery"
	"roomlog/realtime/ws"
)

const (
	// maxResume is the maximum number of missed facts that a client receives when it resumes. A client that has missed
	// more gets a snapshot.
	maxResume = 500
	// channelHistory is the number of facts that a channel keeps in memory, so that most clients can resume without a
	// read of the log.
	channelHistory = maxResume + 12
)

// channel sends the facts and gauges of one live to the connections that are in it. It implements hub.Subscriber.
type channel struct {
	live  domain.LiveID
	fan   *ws.Fanout
	holds int // number of holds of connections on the channel; guarded by channels.mu

	largeLive     int           // number of viewers above which joins and leaves are sent in batches; 0 or less: never
	batchInterval time.Duration // interval between two batches

	restore func(c *channel, history int64) // sends the snapshot after the history of the log has changed
	serial  *ws.Serial                      // runs the reads of the snapshot one after another

	deliveries *delivery.Recorder // counts the pushes of gifts; may be nil

	mu      sync.Mutex
	reset   bool       // whether deltas were missed; nothing is delivered any more
	history int64      // number of the history of the log to which the facts belong
	held    bool       // whether facts are kept but not sent, until release sends the snapshot of a new history
	online  int64      // number of viewers according to the newest gauges; 0 if unknown
	batch   *joinBatch // joins and leaves after last that were not sent yet; nil if there are none
	start   int64      // recent contains every fact after this position
	last    int64      // position of the newest fact in recent; if recent is empty, the live has no later fact so far
	recent  []fact     // the newest facts, oldest first
	wanted  int64      // the smallest position after which a waiting session needs the facts

	erasures int64 // number of calls of UserForgotten

	resumable int64 // position below which a client cannot resume: more than maxResume facts follow

	reading chan struct{} // contains an element while a session reads facts from the log

	shared       *sharedSnapshot    // the newest snapshot that a session has read; nil if there is none
	reads        int64              // number of reads of snapshots that have begun
	newest       projections.Gauges // the newest gauges that were delivered
	snapshotting chan struct{}      // contains an element while a session reads a snapshot

	acknowledged map[*ws.Conn]int64 // connection in the live → position after which an acknowledgement of a gift is counted
}

// fact is an encoded delta, or a frame that stands for several joins and leaves up to pos. cursor is the cursor of the
// event at pos.
type fact struct {
	pos, prev int64
	cursor    string
	frame     *ws.Frame

	author  domain.UserID // author of the comment that the fact is; 0 for other facts
	removes removal       // comments that the fact removes

	delivery *delivery.Delivery // counts the push of the gift that the fact is; nil for other facts
}

// removal selects comments that were removed: one by its position, or all of one author before the removal.
type removal struct {
	comment int64
	author  domain.UserID
}

// newFact encodes a public delta. prev is the position of the fact before it.
func newFact(d projections.Delta, prev int64) fact {
	f := fact{pos: d.Position, prev: prev, cursor: cursorOf(d), frame: factFrame(d, prev)}
	switch e := d.Event.(type) {
	case domain.CommentPosted:
		f.author = e.User
	case domain.CommentRemoved:
		f.removes = removal{comment: e.Comment}
	case domain.CommentsCleared:
		f.removes = removal{author: e.User}
	}
	return f
}

// applyRemovals replaces the frames of removed comments, so that nobody who resumes receives their texts. It applies
// the removals among the facts from the index from on.
func applyRemovals(live domain.LiveID, facts []fact, from int) {
	for i := from; i < len(facts); i++ {
		by := facts[i]
		if by.removes == (removal{}) {
			continue
		}
		for j := range i {
			if f := &facts[j]; f.author != 0 && (f.pos == by.removes.comment || f.author == by.removes.author) {
				f.author, f.frame = 0, removedFrame(live, f.pos, f.prev, f.cursor)
			}
		}
	}
}

// Deliver sends a public delta to all connections in the live.
func (c *channel) Deliver(d projections.Delta) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if (d.Kind == projections.KindJoin || d.Kind == projections.KindLeave) && c.large() {
		c.addToBatch(d)
		return
	}
	c.flushBatch()
	f := newFact(d, c.last)
	if !c.held {
		f.delivery = c.deliveries.Of(d)
	}
	c.push(f)
	applyRemovals(c.live, c.recent, len(c.recent)-1)
}

// DeliverGauges sends the newest gauges of the live to its connections.
func (c *channel) DeliverGauges(g projections.Gauges) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.online, c.newest = g.Online, g
	if !c.held { // a snapshot will be sent, which contains gauges
		c.fan.Push(gaugesFrame(g))
	}
}

// UserForgotten drops the facts that the channel keeps, because some may contain the name or texts of the user. Clients
// that resume get the facts from the log, where the name and texts are erased.
func (c *channel) UserForgotten() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.flushBatch()
	c.recent, c.start, c.shared = nil, c.last, nil
	c.erasures++
}

// Reset stops the channel. The hub also resets the clients in it, which reconnect and use a new channel.
func (c *channel) Reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reset = true
	c.dropBatch()
}

func (c *channel) wasReset() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reset
}

// push sends a fact to all connections, and keeps it.
func (c *channel) push(f fact) {
	c.last = f.pos
	if len(c.recent) == channelHistory {
		c.start = c.recent[0].pos
		c.recent = slices.Delete(c.recent, 0, 1)
	}
	c.recent = append(c.recent, f)
	switch {
	case c.held:
	case f.delivery != nil: // recent has the frame without the counter: what is sent again does not count
		c.fan.Push(f.frame.WithCounter(f.delivery))
	default:
		c.fan.Push(f.frame)
	}
}

// acknowledge counts the gifts that were pushed to a connection of a user, up to the fact of a cursor. Gifts that the
// channel no longer keeps, and those that the connection received when it joined, do not count.
func (c *channel) acknowledge(conn *ws.Conn, user domain.UserID, cursor string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	pos, found := c.findLocked(cursor) // in the same history as what follows
	after, in := c.acknowledged[conn]
	if !found || !in || pos <= after {
		return
	}
	c.acknowledged[conn] = pos
	for _, f := range slices.Backward(c.recent) {
		if f.pos <= after {
			return
		}
		if f.pos <= pos {
			f.delivery.Acknowledge(user)
		}
	}
}

func (c *channel) add(conn *ws.Conn) {
	c.acknowledged[conn] = c.last
	c.fan.Add(conn)
}

func (c *channel) remove(conn *ws.Conn) {
	c.fan.Remove(conn)
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.acknowledged, conn)
}

// large reports whether the live has so many viewers that joins and leaves are sent in batches.
func (c *channel) large() bool {
	return c.largeLive > 0 && max(c.online, int64(c.fan.Len())) > int64(c.largeLive)
}

// addToBatch adds a join or leave to the batch. The batch is sent after batchInterval at the latest.
func (c *channel) addToBatch(d projections.Delta) {
	if c.batch == nil {
		b := &joinBatch{}
		b.stop = time.AfterFunc(c.batchInterval, func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			if c.batch == b {
				c.flushBatch()
			}
		}).Stop
		c.batch = b
	}
	c.batch.add(d)
}

func (c *channel) flushBatch() {
	if b := c.batch; b != nil {
		c.dropBatch()
		c.push(fact{pos: b.pos, prev: c.last, cursor: b.cursor(), frame: b.frame(c.live, c.last)})
	}
}

// dropBatch removes the batch without sending it.
func (c *channel) dropBatch() {
	if c.batch != nil {
		c.batch.stop()
		c.batch = nil
	}
}

// oldest returns the position of the oldest fact that the channel keeps, or 0 if it keeps none.
func (c *channel) oldest() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.recent) == 0 {
		return 0
	}
	return c.recent[0].pos
}

// find returns the position in a cursor, if the channel keeps the fact of the cursor.
func (c *channel) find(cursor string) (pos int64, found bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.findLocked(cursor)
}

// findLocked does the same as find. The caller has locked mu.
func (c *channel) findLocked(cursor string) (pos int64, found bool) {
	for _, f := range slices.Backward(c.recent) {
		if f.cursor == cursor {
			return f.pos, true
		}
	}
	return 0, false
}

// opening contains the first frame for a connection that is added to a channel.
type opening struct {
	history int64                    // number of the history of the log to which the opening belongs
	reply   func(to int64) *ws.Frame // returns the reply to the request; the reply and the frames after it contain every fact up to the position to
	have    int64                    // position up to which the client has every fact once it has the reply

	snapshot bool // whether the reply contains a snapshot
}

// attach adds a connection to the channel. The connection receives the opening, then the later facts that the channel
// keeps, and then every new fact, in order. After a snapshot, it also receives newer gauges. attach reports false if
// the channel no longer keeps a fact that must follow the opening, or if more than maxResume facts are missing. It also
// reports false if the history of the log has changed.
func (c *channel) attach(conn *ws.Conn, o opening) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.batch != nil && c.batch.first <= o.have { // the batch contains facts that the client already has
		c.flushBatch()
	}
	missed := c.recent
	for len(missed) > 0 && missed[0].pos <= o.have {
		missed = missed[1:]
	}
	switch {
	case o.history != c.history, o.have < c.start, len(missed) > maxResume:
		return false
	case len(missed) > 0 && missed[0].prev > o.have:
		return false
	case len(c.recent) == 0 && c.last > o.have:
		c.last = o.have // the next fact follows the fact at have
	}
	frames := append(make([]*ws.Frame, 0, 1+len(missed)), o.reply(max(o.have, c.last)))
	for _, f := range missed {
		frames = append(frames, f.frame)
	}
	if o.snapshot && c.newest.Position > o.have {
		frames = append(frames, gaugesFrame(c.newest))
	}
	conn.Send(frames...)
	c.add(conn)
	return true
}

// current returns the shared snapshot if a session can use it, and the number of the newest read. A session can use a
// snapshot that was read at the time oldest or later, if no fact was sent and no profile has changed since. Facts that
// wait in the batch follow the snapshot. A session can also use a snapshot with a read after the read requested,
// because it is as new as one that the session would read itself.
func (c *channel) current(oldest time.Time, profiles, requested int64) (found *sharedSnapshot, reads int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch f := c.shared; {
	case f == nil, f.history != c.history, f.profiles != profiles, f.at.Before(oldest):
	case f.pos < c.start:
	case f.read > requested, c.last <= f.pos:
		found = f
	}
	return found, c.reads
}

// beginRead counts a read of a snapshot, and returns its number.
func (c *channel) beginRead() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reads++
	return c.reads
}

// share makes a snapshot available to all sessions.
func (c *channel) share(found *sharedSnapshot) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.history == found.history && !c.held {
		c.shared = found
	}
}
