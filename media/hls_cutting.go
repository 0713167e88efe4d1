package media

import (
	"crypto/rand"
	"errors"
	"log/slog"
	"time"

	"roomlog/media/hls"
)

// errOffAir tells a player of HLS that there is nothing yet: it asks again.
var errOffAir = errors.New("media: the stream is off air")

// enter makes a session for whom the gate has let in, and begins to cut if nobody did.
func (d *hlsDoor) enter(a admission) (*hlsSession, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.closed:
		return nil, ErrServerClosed
	case !d.hub.onAir(a.key):
		return nil, errOffAir
	}
	s := &hlsSession{id: rand.Text(), back: a.back, used: d.cfg.Now()}
	seat, err := d.hub.join(joining{key: a.key, client: a.client, asked: a.asked, hangUp: func() { d.drop(s.id, ReasonKicked) }})
	if err != nil {
		return nil, err
	}
	s.seat = seat
	if s.of = d.byKey[a.key]; s.of == nil || s.of.from.stream != seat.stream {
		if s.of, err = d.begin(a.key); err != nil {
			d.hub.leave(seat, ReasonLost)
			return nil, err
		}
	}
	s.of.used = s.used
	d.sessions[s.id] = s
	return s, nil
}

// drop forgets a session.
func (d *hlsDoor) drop(id string, why Reason) {
	d.mu.Lock()
	s := d.sessions[id]
	delete(d.sessions, id)
	d.mu.Unlock()
	if s != nil {
		d.hub.leave(s.seat, why)
		s.back()
	}
}

// begin begins to cut a stream; the lock is held.
func (d *hlsDoor) begin(key string) (*cutting, error) {
	from, err := d.hub.join(joining{key: key, client: Client{ID: newID(), Protocol: Internal}, asked: d.cfg.Now(), early: true})
	if err != nil {
		return nil, err
	}
	if !d.crew.join() {
		d.hub.leave(from, ReasonShutdown)
		return nil, ErrServerClosed
	}
	c := &cutting{key: key, show: rand.Text(), from: from, used: d.cfg.Now(), stop: make(chan struct{})}
	c.muxer = hls.New(hls.Config{Now: d.cfg.Now, Token: c.show, NoLowLatency: d.cfg.HLS.NoLowLatency, MinSegment: d.cfg.HLS.MinSegment, MinPart: d.cfg.HLS.MinPart,
		OnError: func(err error) { d.cfg.Log.Debug("hls", slog.String("client", from.client.ID), slog.Any("err", err)) }})
	d.byKey[key], d.byShow[c.show] = c, c
	go func() {
		defer d.crew.leave()
		d.cut(c)
	}()
	return c, nil
}

// cut cuts a stream until it ends, fails, or nobody wants it any more.
func (d *hlsDoor) cut(c *cutting) {
	defer c.muxer.Close()
	defer d.forget(c)
	defer d.catch(c.from.client)
	defer d.hub.leave(c.from, ReasonLost)
	why := c.from.deliver(func(frames []*Frame) (int64, error) {
		for _, f := range frames {
			if err := c.muxer.Write(f); err != nil {
				return 0, err
			}
		}
		return 0, nil
	})
	d.hub.leave(c.from, why)
	if why == ReasonStopped { // nobody wants it, or nobody may have it
		return
	}
	c.muxer.End()
	timer := time.NewTimer(d.cfg.HLS.Linger)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.stop:
	}
}

// forget lets go of a stream and of its players.
func (d *hlsDoor) forget(c *cutting) {
	d.mu.Lock()
	delete(d.byShow, c.show)
	if d.byKey[c.key] == c {
		delete(d.byKey, c.key)
	}
	var gone []string
	for id, s := range d.sessions {
		if s.of == c {
			gone = append(gone, id)
		}
	}
	d.mu.Unlock()
	for _, id := range gone {
		d.drop(id, ReasonEnded)
	}
}

// sweep ends what was not asked for in a while.
func (d *hlsDoor) sweep(now time.Time) {
	d.mu.Lock()
	var silent []string
	for id, s := range d.sessions {
		if now.Sub(s.used) > d.cfg.HLS.IdleTimeout {
			silent = append(silent, id)
		}
	}
	var unused []*cutting
	for _, c := range d.byShow {
		if now.Sub(c.used) > d.cfg.HLS.IdleTimeout {
			unused = append(unused, c)
		}
	}
	d.mu.Unlock()
	for _, id := range silent {
		d.drop(id, ReasonStopped)
	}
	for _, c := range unused {
		d.end(c)
	}
}

// end ends a cutting at once.
func (d *hlsDoor) end(c *cutting) {
	c.once.Do(func() { close(c.stop) })
	d.hub.leave(c.from, ReasonStopped)
}

// close ends all of them, and nothing begins any more.
func (d *hlsDoor) close() {
	d.mu.Lock()
	d.closed = true
	var all []*cutting
	for _, c := range d.byShow {
		all = append(all, c)
	}
	d.mu.Unlock()
	for _, c := range all {
		d.end(c)
	}
}
