package demo

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"roomlog/internal/wait"
)

// The account that the demo prints. It has the roles operator and auditor.
const (
	host     = "demo"
	password = "roomlog-demo"
)

// world is everything in the demo.
type world struct {
	server  *server
	site    string
	rtmp    string
	now     func() time.Time
	host    *person
	viewers []*person
	lives   []*live
	past    *live
	gifts   []gift
}

// live is a live of the demo.
type live struct {
	streamer *person
	title    string
	film     string

	id   int64
	key  string
	sign string
}

// plannedLives contains the lives of the demo; the last one becomes a past show.
var plannedLives = []struct{ streamer, title, film string }{
	{"Mia", "Sunset by the sea, ask me anything", "sea"},
	{"阿灯", "千灯夜市：一起许愿吧", "lights"},
	{"Nils", "Northern lights over the valley", "aurora"},
	{"Vera", "Yesterday's sunset, with your songs", "sea"},
}

var viewerNames = []string{"Ann", "Bert", "小米", "Carla", "Deniz", "晚风", "Emil", "Fatima", "Goro", "阿花", "Ivy", "Jonas"}

const viewerCoins = 20_000 // price units that each viewer pays in the beginning

// fill creates people, gifts and lives. It uses those that a kept folder already contains.
func (w *world) fill(ctx context.Context) error {
	group, filling := errgroup.WithContext(ctx)
	group.SetLimit(4) // passwords are expensive to hash
	w.viewers = make([]*person, len(viewerNames))
	w.lives = make([]*live, len(plannedLives))
	enter := func(name string, done func(*person)) {
		group.Go(func() error {
			p, err := w.enter(filling, name)
			if err == nil {
				done(p)
			}
			return err
		})
	}
	enter(host, func(p *person) { w.host = p })
	for i, name := range viewerNames {
		enter(name, func(p *person) { w.viewers[i] = p })
	}
	for i, planned := range plannedLives {
		enter(planned.streamer, func(p *person) { w.lives[i] = &live{streamer: p, title: planned.title, film: planned.film} })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if err := w.addRoles(ctx); err != nil {
		return err
	}
	if err := w.addGifts(ctx); err != nil {
		return err
	}
	for _, p := range w.viewers {
		if err := p.topUp(ctx, viewerCoins); err != nil {
			return err
		}
	}
	if err := w.host.topUp(ctx, 50); err != nil {
		return err
	}
	for _, s := range w.lives {
		if err := s.create(ctx); err != nil {
			return err
		}
	}
	last := len(w.lives) - 1
	w.lives, w.past = w.lives[:last], w.lives[last]
	return nil
}

// enter registers a person, unless the person exists, and signs in.
func (w *world) enter(ctx context.Context, name string) (*person, error) {
	p := &person{site: w.site, name: name}
	err := p.post(ctx, "/api/reg", map[string]any{"username": name, "password": password, "repassword": password}, nil)
	var no *refused
	if err != nil && !(errors.As(err, &no) && no.code == "name_taken") {
		return nil, err
	}
	var signedIn struct {
		ID    int64
		Token string
	}
	err = p.post(ctx, "/api/login", map[string]any{"username": name, "password": password}, &signedIn)
	p.id, p.token = signedIn.ID, signedIn.Token
	return p, err
}

// addRoles gives the account of the demo the roles operator and auditor, unless it has roles.
func (w *world) addRoles(ctx context.Context) error {
	var has struct{ Roles []string }
	if err := w.host.get(ctx, "/api/user/roles", &has); err != nil || len(has.Roles) > 0 {
		return err
	}
	for _, role := range []string{"operator", "auditor"} {
		if err := w.server.command(ctx, "user", "grant", strconv.FormatInt(w.host.id, 10), "--role", role); err != nil {
			return err
		}
	}
	return nil
}

// addGifts adds the gifts with their pictures, unless the catalogue has gifts.
func (w *world) addGifts(ctx context.Context) error {
	if err := w.host.get(ctx, "/api/gift/list", &w.gifts); err != nil || len(w.gifts) > 0 {
		return err
	}
	for _, g := range giftImages {
		path, err := w.host.upload(ctx, g.name+".png", draw(g))
		if err == nil {
			err = w.server.command(ctx, "gift", "add", "--name", g.name, "--coin", strconv.Itoa(g.coins), "--image", path)
		}
		if err != nil {
			return err
		}
	}
	return w.host.get(ctx, "/api/gift/list", &w.gifts)
}

// create ends the lives of the streamer that an earlier demo has left, and creates the live.
func (s *live) create(ctx context.Context) error {
	var own struct{ Items []struct{ ID, Status int64 } }
	if err := s.streamer.get(ctx, "/api/live/find?of=own", &own); err != nil {
		return err
	}
	for _, left := range own.Items {
		if left.Status != 3 {
			if err := s.change(ctx, left.ID, "stop"); err != nil {
				return err
			}
		}
	}
	jpeg, err := embedded.ReadFile("media/" + s.film + ".jpg")
	if err != nil {
		return err
	}
	cover, err := s.streamer.upload(ctx, s.film+".jpg", jpeg)
	if err != nil {
		return err
	}
	var created struct {
		Data struct {
			ID  int64
			Key string
		}
		Sign string
	}
	err = s.streamer.post(ctx, "/api/live/create", map[string]any{"title": s.title, "cover": cover}, &created)
	s.id, s.key, s.sign = created.Data.ID, created.Data.Key, created.Sign
	return err
}

func (s *live) change(ctx context.Context, id int64, to string) error {
	return s.streamer.post(ctx, "/api/live/changestatus", map[string]any{"id": id, "type": to}, nil)
}

// pastLength is the length of the past show.
const pastLength = 20 * time.Second

// run lets viewers act in the lives until ctx ends.
func (w *world) run(ctx context.Context) error {
	films := map[string]*film{}
	for _, planned := range plannedLives {
		f, err := readFilm(planned.film)
		if err != nil {
			return fmt.Errorf("read the film %s: %w", planned.film, err)
		}
		films[planned.film] = f
	}
	group, ctx := errgroup.WithContext(ctx)
	for i, s := range w.lives {
		group.Go(func() error { films[s.film].publish(ctx, w.rtmp, s.key, s.sign); return nil })
		var audience []*person
		for at, p := range w.viewers {
			if at%len(w.lives) == i {
				audience = append(audience, p)
			}
		}
		group.Go(func() error { simulateViewers(ctx, s.id, w.gifts, audience); return nil })
	}
	group.Go(func() error { return w.playPast(ctx, films[w.past.film]) })
	return group.Wait()
}

// playPast plays the live that becomes the past show.
func (w *world) playPast(ctx context.Context, f *film) error {
	s := w.past
	if err := s.streamer.post(ctx, "/api/live/record", map[string]any{"id": s.id, "on": true}, nil); err != nil {
		return ignoreEnd(ctx, err)
	}
	playing, end := context.WithCancel(ctx)
	defer end()
	var group errgroup.Group
	group.Go(func() error { f.publish(playing, w.rtmp, s.key, s.sign); return nil })
	group.Go(func() error { simulateViewers(playing, s.id, w.gifts, w.viewers[:4]); return nil })
	wait.Sleep(ctx, pastLength)
	err := s.change(ctx, s.id, "stop")
	end()
	return errors.Join(ignoreEnd(ctx, err), group.Wait())
}

// ignoreEnd returns err unless ctx has ended.
func ignoreEnd(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil //nolint:nilerr // the demo ends with ctx
	}
	return err
}
