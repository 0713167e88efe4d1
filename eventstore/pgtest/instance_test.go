package pgtest_test

import (
	"testing"
	"time"

	"roomlog/eventstore/pgtest"
)

func TestServer(t *testing.T) {
	for name, o := range map[string][]pgtest.Option{"unsafe": nil, "durable": {pgtest.Durable}} {
		t.Run(name, func(t *testing.T) {
			at := time.Now()
			s := pgtest.Server(t, o...)
			t.Log(time.Since(at))
			db := s.Open()
			if _, err := db.Owner.Exec(t.Context(), "CREATE TABLE x (n int)"); err != nil {
				t.Fatal(err)
			}
			at = time.Now()
			s.Kill()
			s.Start()
			t.Log(time.Since(at))
			at = time.Now()
			s.Restart()
			t.Log(time.Since(at))
			if _, err := db.Owner.Exec(t.Context(), "TABLE x"); err != nil {
				t.Log(err)
			}
			if _, err := db.Owner.Exec(t.Context(), "TABLE x"); err != nil {
				t.Fatal(err)
			}
		})
	}
}
