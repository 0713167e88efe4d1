package socketio_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"roomlog/domain"
	"roomlog/realtime/socketio/siotest"
)

// app is a client that behaves like the phone apps.
type app struct {
	*siotest.Client
	id  string // id of the socket
	pid string // secret for the recovery of the socket
}

func (w *world) app(o siotest.Options) *app { return w.enter(o, "") }

// recovering connects an app that requests recovery.
func (w *world) recovering() *app { return w.enter(siotest.Options{}, `{"recovery":true}`) }

func (w *world) enter(o siotest.Options, auth string) *app {
	w.Helper()
	c := siotest.Dial(w, w.base, o)
	if o.Namespace != "" && o.Namespace != "/" && o.Version == 3 {
		c.Connect()
	}
	id, pid := c.Enter(cmp.Or(o.Namespace, "/"), auth)
	return &app{c, id, pid}
}

// back reconnects with the recovery data of the lost client lost.
func (w *world) back(lost *app, offset string) *app {
	w.Helper()
	return w.enter(siotest.Options{}, fmt.Sprintf(`{"recovery":true,"pid":%q,"offset":%q}`, lost.pid, offset))
}

// who is a user in the form in which other users see the user.
type who struct {
	ID     domain.UserID
	Name   string
	Avatar string
}

// listed is the viewer list.
type listed struct {
	Clients []string
	Action  string
	User    who
	Data    []who
	Total   int64
}

func (l listed) names() (names []string) {
	for _, p := range l.Data {
		names = append(names, p.Name)
	}
	return names
}

// push returns the next event with a name, and its offset, or "" if it has none.
func push[T any](a *app, event string) (v T, offset string) {
	a.Helper()
	arguments := a.Event(event)
	decode(a, arguments[0], &v)
	if len(arguments) > 1 {
		decode(a, arguments[1], &offset)
	}
	return v, offset
}

// decode decodes JSON and fails on unknown fields.
func decode(t testing.TB, text json.RawMessage, v any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

// online waits for a viewer list whose newest change is this action of this user.
func (a *app) online(action, name string) listed {
	a.Helper()
	for {
		l, _ := push[listed](a, "online")
		if l.Action == action && l.User.Name == name {
			return l
		}
	}
}

// joined waits for a viewer list of a join that contains this many sockets. The list before it may lack the newest one,
// because the hub may deliver a join before the socket is subscribed.
func (a *app) joined(name string, sockets int) listed {
	a.Helper()
	for {
		switch l := a.online("join", name); {
		case len(l.Clients) == sockets:
			return l
		case len(l.Clients) > sockets:
			a.Fatalf("the sockets are %v, want %d", l.Clients, sockets)
		}
	}
}

// joins joins a live as a user and waits for a viewer list that contains the user.
func (a *app) joins(p person, live any) listed {
	a.Helper()
	a.Emit("joinLive", map[string]any{"live_id": live, "token": p.Token()})
	for {
		if l, _ := push[listed](a, "online"); slices.Contains(l.Clients, a.id) && slices.Contains(l.names(), p.Name) {
			return l
		}
	}
}

type refusal struct {
	Meta struct {
		Timestamp int64
		NoToast   bool
	}
	Data struct {
		Action, Payload, Code string
		TextEN                string `json:"text_en"`
	}
}

// refused waits for a refusal with this text.
func (a *app) refused(text string) refusal {
	a.Helper()
	no, _ := push[refusal](a, a.id)
	if no.Data.Payload != text || no.Data.Action != "error" || no.Data.Code == "" || no.Data.TextEN == "" || no.Meta.Timestamp < 1e12 {
		a.Fatalf("refused with %+v, want %s", no, text)
	}
	return no
}

// comment is the push of a comment.
type comment struct {
	User    who
	ID      string
	Content string
}

type given struct {
	Avatar, Username string
	Name             string `json:"gift_name"`
	Image            string `json:"gift_image"`
	Coin             int64  `json:"gift_coin"`
	Num              int
}

// silent sends a test event, and fails if anything except viewer lists arrives before the response.
func (a *app) silent() {
	a.Helper()
	a.Emit("test", nil)
	for {
		p := a.Next()
		if p.Text == fmt.Sprintf(`%s[%q,"啊啊啊"]`, a.Prefix("42"), a.id) {
			return
		}
		if !strings.HasPrefix(p.Text, a.Prefix("42")+`["online"`) {
			a.Fatalf("got %s", p.Text)
		}
	}
}
