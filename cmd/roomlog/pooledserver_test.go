package main_test

import (
	"testing"

	"roomlog/eventstore/pgtest"
	"roomlog/eventstore/pgtest/pooler"
)

// TestServersBehindSessionPooling runs two nodes behind a pooler in session mode, which keeps the database sessions of
// a killed node for other clients. Nothing may be lost, pushes must reach the clients of both nodes, and the viewers of
// the killed node must leave.
func TestServersBehindSessionPooling(t *testing.T) {
	t.Parallel()
	address := pooler.Start(t, pgtest.New(t).DSN, pooler.Session)
	env := append([]string{"DATABASE_URL=" + address}, sharedSecrets...)
	args := append([]string{"--presence-grace", "1s"}, unhurried...)
	one := serve(t, env, append([]string{"--data", dataDir(t)}, args...)...)
	two := serve(t, env, append([]string{"--data", dataDir(t)}, args...)...)
	c := startLoad(t, 4, 2, 80, one, two)

	quiet := join(t, two, "quiet") // this user sends nothing
	s := quiet.connect("")
	enter(t, s, c.live, "")
	streamer := &person{t: t, at: one, name: "streamer"}
	streamer.signIn()

	c.middle(0, 1)
	two.kill()
	c.judge()
	eventually(t, "the live has no viewers", func() bool { return len(streamer.viewers(c.live)) == 0 })
	two.again()
	if out := two.roomlog("verify", "-q"); out == "" {
		t.Error("verify prints nothing")
	}
	for _, p := range []*process{one, two} {
		if code := p.stop(); code != 0 {
			t.Errorf("exit code %d, want 0", code)
		}
	}
}
