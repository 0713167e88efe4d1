package rebuild_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/eventstore/audit"
	"roomlog/projections/projtest"
	"roomlog/projections/rebuild"
)

// judged verifies the log and the tables and returns the report.
func judged(w *projtest.World) rebuild.Report {
	w.Helper()
	report, err := rebuild.Verify(w.Context(), w.Store, w.Pool, rebuild.VerifyConfig{Now: time.Now})
	if err != nil {
		w.Fatal(err)
	}
	return report
}

// firstFault returns the first fault in a report, or "" if there is none.
func firstFault(r rebuild.Report) string {
	if len(r.Faults) == 0 {
		return ""
	}
	return r.Faults[0].String()
}

func TestVerify(t *testing.T) {
	t.Parallel()
	t.Run("finds no fault while events, projector and rebuild go on", func(t *testing.T) {
		t.Parallel()
		w := projtest.New(t)
		c := projtest.NewTraffic(w, 10, 3)
		w.Project()
		var all sync.WaitGroup
		all.Go(func() { c.Act(8, 1000) })
		all.Go(func() { w.Rebuild() })
		for range 3 {
			if r := judged(w); r.FaultCount > 0 || r.Position > r.Head {
				t.Errorf("got %+v", r)
			}
		}
		all.Wait()
		w.CatchUp()
		r := judged(w)
		if r.FaultCount > 0 || !r.Compared || r.Events != w.Head() || r.Position != r.Events || r.Rows["user_account"] != 10 {
			t.Errorf("got %+v", r)
		}
		w.Eventually(func() error {
			if n := w.Int("SELECT count(*) FROM pg_class WHERE relname = 'user_account' AND relpersistence = 't'"); n != 0 {
				return fmt.Errorf("%d temporary tables are left", n)
			}
			return nil
		})
	})

	t.Run("finds no fault before a projector has run", func(t *testing.T) {
		t.Parallel()
		w := projtest.New(t)
		if r := judged(w); r.FaultCount > 0 {
			t.Errorf("an empty log: %+v", r)
		}
		projtest.NewTraffic(w, 3, 1)
		if r := judged(w); r.FaultCount > 0 || r.Position != 0 || r.Events != w.Head() {
			t.Errorf("got %+v", r)
		}
	})

	t.Run("reports the first fault of the log", func(t *testing.T) {
		t.Parallel()
		for _, test := range []struct {
			name, tamper, fault string
		}{
			{"a missing event", "DELETE FROM events WHERE position = 20", "position 20: the log has a gap: this position is missing"},
			{"a missing first event", "DELETE FROM events WHERE position = 1", "position 1: the log has a gap: this position is missing"},
			{"a version too far", "UPDATE events SET version = 3 WHERE position = 29", "position 29: version 3 of wallet-3 follows version 1"},
			{"a stream that does not begin with version 1", "UPDATE events SET version = 2 WHERE position = 5", "position 5: session-1 begins with version 2"},
			{"versions in the wrong order", "UPDATE events SET version = 100 + version WHERE stream = 'wallet-2'; UPDATE events SET version = 104 - version WHERE stream = 'wallet-2'",
				"position 19: wallet-2 begins with version 3"},
			{"a wrong stream", "UPDATE events SET stream = 'gift-77' WHERE position = 1", "position 1: the event of stream gift-1 is recorded in gift-77"},
			{"a wrong live", "UPDATE events SET live_id = 2 WHERE position = 26", "position 26: the event of live 1 is recorded under live 2"},
			{"postings that do not balance", `UPDATE events SET payload = replace(payload::text, '-30', '-31')::json WHERE position = 28`,
				"position 28: the postings of gift.sent.v2 add up to -1, not to 0"},
			{"an overdrawn wallet", `UPDATE events SET payload = replace(replace(replace(payload::text, ':30', ':3000'), ':-30', ':-3000'), ':970', ':-2000')::json WHERE position = 28`,
				"position 28: the balance of user-2 would be -2000"},
			{"a stated balance that is wrong", `UPDATE events SET payload = replace(payload::text, '970', '971')::json WHERE position = 28`,
				"position 28: the event states a balance of 971 for user-2, its history adds up to 970"},
			{"a coin event that cannot be decoded", `UPDATE events SET payload = '[]' WHERE position = 28`, "position 28: event gift.sent.v2 cannot be read"},
			{"the first of two faults", "UPDATE events SET version = 3 WHERE position = 29; DELETE FROM events WHERE position = 27", "position 27: the log has a gap: this position is missing"},
		} {
			t.Run(test.name, func(t *testing.T) {
				t.Parallel()
				s := projtest.Tell(t)
				stop := s.Project()
				s.CatchUp()
				stop()
				s.Exec("ALTER TABLE public.events DISABLE TRIGGER USER")
				for sql := range strings.SplitSeq(test.tamper, "; ") {
					s.Exec(strings.Replace(sql, " events ", " public.events ", 1))
				}
				if got := firstFault(judged(s.World)); !strings.HasPrefix(got, test.fault) {
					t.Errorf("got  %s\nwant %s", got, test.fault)
				}
			})
		}
	})

	t.Run("names every fault, also of events that the tables lack", func(t *testing.T) {
		t.Parallel()
		s := projtest.Tell(t)
		stop := s.Project()
		s.CatchUp()
		stop()
		at := s.Head()
		s.Forge(at+1, "live-1", 999, "live.created.v1", `{"live":1,"streamer":3,"title":"","cover":"","stream_key":"cccccccccccccccccccc"}`, 1)
		s.Forge(at+2, "visit-1-999", 1, "viewer.left.v1", `{"live":1,"user":999,"cause":"requested"}`, 1)
		s.Forge(at+3, "comment-1", 999, "comment.posted.v1", `[]`, 1)
		s.Forge(at+4, "dance-1", 1, "dance.danced.v1", `{}`, 0)
		s.Forge(at+5, "wallet-2", 999, "gift.sent.v2", `{"sender":2,"streamer":1,"live":1,"gift":1,"name":"rose","image":"","price":20,"num":1,"coins":20,"balance_after":1,
			"postings":[{"account":"user-2","amount":-20},{"account":"earnings-1","amount":20}]}`, 1)
		r := judged(s.World)
		if r.Newer() != 5 || r.Position != at || !r.Compared || r.Events != at+5 {
			t.Errorf("got %+v", r)
		}
		for i, want := range []string{"live-1 was created before", "there is no actor", "event comment.posted.v1 cannot be read", "event dance.danced.v1 cannot be read", ""} {
			position := at + 1 + int64(i)
			if !slices.ContainsFunc(r.Faults, func(f audit.Fault) bool { return f.Position == position && strings.Contains(f.Text, want) }) {
				t.Errorf("position %d: %q is not in %v", position, want, r.Faults)
			}
		}
	})

	t.Run("names an event that could not be applied to a table", func(t *testing.T) {
		t.Parallel()
		w := projtest.New(t)
		projtest.NewTraffic(w, 2, 1)
		w.Project()
		broken := projtest.WithFold("comments", func(domain.CommentPosted) { panic("broken") })
		w.CatchUp()
		user := w.SignIn(1)
		live := user.GoLive("x")
		position := user.Send(domain.PostComment{Live: live, Text: "hello"}).Position
		w.CatchUp()
		report, err := rebuild.Verify(t.Context(), w.Store, w.Pool, rebuild.VerifyConfig{Now: time.Now, Projections: broken})
		if err != nil {
			t.Fatal(err)
		}
		if f := firstFault(report); f != fmt.Sprintf("position %d: projection comments cannot apply comment.posted.v1: fold: broken", position) {
			t.Error(f)
		}
	})

	t.Run("inspects events that the tables lack", func(t *testing.T) {
		t.Parallel()
		s := projtest.Tell(t)
		stop := s.Project()
		s.CatchUp()
		stop()
		at := s.Head() + 1
		s.Forge(at, "gift-9", 1, "gift.sent.v2", `{}`, 0)
		if r := judged(s.World); firstFault(r) != fmt.Sprintf("position %d: the event of stream wallet-0 is recorded in gift-9", at) || r.Position != at-1 {
			t.Errorf("got %+v", r)
		}
	})

	t.Run("reports the first table and row that do not follow from the log", func(t *testing.T) {
		t.Parallel()
		s := projtest.Tell(t)
		stop := s.Project()
		s.CatchUp()
		stop()
		for _, test := range []struct{ tamper, fault string }{
			{"UPDATE read.live_online SET online = 5 WHERE live_id = 2", "table live_online: row live_id 2: online is 5, expected 1"},
			{"UPDATE read.coin SET balance = balance + 1 WHERE account = 'user-2'", "table coin: row account user-2: balance is 951, expected 950"},
			{"DELETE FROM read.coin_movement WHERE position = 28 AND seq = 1", "table coin_movement: row position 28, seq 1 is missing"},
			{"UPDATE read.comment SET text = 'never posted' WHERE position = 26", "table comment: row position 26: text differs"},
			{"INSERT INTO read.gift VALUES (7, 'x', '', 1, true)", "table gift: row id 7 does not follow from the log"},
			{"DELETE FROM read.gift_record WHERE position = 31", "table gift_record: row position 31 is missing"},
			{"UPDATE read.live SET status = 0 WHERE id = 1", "table live: row id 1: status is 0, expected 2"},
			{"DELETE FROM read.live_coin", "table live_coin: row live_id 1 is missing"},
			{"UPDATE read.look_count SET viewers = 3 WHERE live_id = 1", "table look_count: row live_id 1: viewers is 3, expected 2"},
			{"UPDATE read.user_account SET disabled = false WHERE id = 1", "table user_account: row id 1: disabled is false, expected true"},
			{"INSERT INTO read.poison VALUES (3, 'users', 't', 'c')", "table poison: row position 3, projection users does not follow from the log"},
			{"UPDATE read.recording SET bytes = 1 WHERE id = 'second'", "table recording: row id second: bytes is 1, expected 9000"},
			{"DELETE FROM read.session WHERE user_id = 1", "table session: row user_id 1 is missing"},
			{"UPDATE read.broadcast SET node = 'p9' WHERE id = 'third'", "table broadcast: row id third: node is p9, expected p2"},
			{"DELETE FROM read.viewer WHERE user_id = 3", "table viewer: row live_id 1, user_id 3 is missing"},
		} {
			t.Run(strings.Trim(strings.Fields(test.fault)[1], ":"), func(t *testing.T) {
				s.Exec(test.tamper)
				want := strings.Replace(test.fault, ":", fmt.Sprintf(": at position %d:", s.Head()), 1)
				if got := firstFault(judged(s.World)); got != want {
					t.Errorf("got  %s\nwant %s", got, want)
				}
				s.Empty()
				stop := s.Project()
				s.CatchUp()
				stop()
			})
		}
		s.Verify()
	})
}
