package main_test

import "testing"

// The parts of frames that these tests read.
type (
	named struct {
		ID   int64  `json:"id"`
		Name string `json:"name"`
	}
	by struct {
		ID   string `json:"id"`
		User named  `json:"user"`
		Text string `json:"text"`
		Num  int    `json:"num"`
		Gift named  `json:"gift"`
	}
	purse struct {
		Pos     int64 `json:"pos"`
		Balance int64 `json:"balance"`
		Change  int64 `json:"change"`
	}
	figures struct {
		Online    int64 `json:"online"`
		LookCount int64 `json:"look_count"`
		Coins     int64 `json:"coins"`
	}
	snapshot struct {
		Epoch  string `json:"epoch"`
		Pos    int64  `json:"pos"`
		Cursor string `json:"cursor"`
		Live   struct {
			Title  string `json:"title"`
			Status int    `json:"status"`
		} `json:"live"`
		Owner   named   `json:"owner"`
		Gauges  figures `json:"gauges"`
		Viewers []named `json:"viewers"`

		Comments []struct {
			Pos  int64  `json:"pos"`
			Text string `json:"text"`
		} `json:"comments"` // newest first
	}
	joined struct {
		Resumed  *[2]int64 `json:"resumed"`
		Snapshot *snapshot `json:"snapshot"`
	}
)

// enter joins a live. since is the cursor that the client has reached, or "".
func enter(t testing.TB, s *socket, live int64, since string) joined {
	t.Helper()
	data := map[string]any{"live": live, "since": since}
	return into[joined](t, s.must("room.join", data, ""))
}

// line checks the pushes of a live that one viewer receives on several connections: there must be no gap and no
// repetition.
type line struct {
	live   int64
	at     int64  // position up to which all facts were received
	cursor string // cursor of the newest fact that was received
	upTo   int64  // end of the range of missed facts that follow the reply to the newest join
	gifts  int
	facts  []int64 // positions of the gifts and comments that were received
	since  int64   // position of the newest snapshot
	before int     // number of facts that were received before the newest snapshot
	left   int     // number of pushes that the server has left out since the newest snapshot, because the viewer read slowly
}

func newLine(live int64, from *snapshot) *line {
	return &line{live: live, at: from.Pos, cursor: from.Cursor, since: from.Pos}
}

// resumed records the end of the range of missed pushes that follow the reply to a join.
func (l *line) resumed(r *[2]int64) { l.upTo = r[1] }

// hear checks the pushes of a connection since the last call.
func (l *line) hear(t testing.TB, s *socket) {
	t.Helper()
	for _, f := range s.news() {
		if f.Live == l.live && f.Type == "snapshot" {
			now := into[snapshot](t, f)
			l.at, l.cursor, l.upTo = now.Pos, now.Cursor, 0
			l.since, l.before, l.left = now.Pos, len(l.facts), 0
		}
		if f.Live != l.live || f.Pos == 0 {
			continue
		}
		if f.Pos > l.upTo {
			l.at = max(l.at, l.upTo)
		}
		switch {
		case f.Pos <= l.at:
			t.Errorf("a double: %s %d after %d", f.Type, f.Pos, l.at)
		case f.Prev > l.at:
			t.Errorf("a gap: %s %d follows %d, but %d was the last", f.Type, f.Pos, f.Prev, l.at)
		}
		l.at, l.cursor = f.Pos, f.Cursor
		if f.Type == "skipped" {
			l.left += into[struct{ N int }](t, f).N
		}
		if f.Type == "gift" {
			l.gifts++
		}
		if f.Type == "gift" || f.Type == "comment" {
			l.facts = append(l.facts, f.Pos)
		}
	}
}
