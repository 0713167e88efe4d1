package projections_test

import (
	"fmt"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/projections"
)

func TestRebuild(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := newCrowd(w, 10, 3)
	stop := w.project()
	c.act(8, 2000)
	w.do(domain.ForgetUser{User: c.people[1].id})
	w.caughtUp()
	stop()
	before := w.dump("read")
	report, err := projections.Rebuild(t.Context(), w.owner(), w.store, projections.RebuildConfig{Now: time.Now, Progress: func(p projections.Progress) { fmt.Println(p) }})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("%+v\n", report)
	if after := w.dump("read"); after != before {
		t.Error("differ")
	}
	w.project()
	c.act(8, 500)
	w.caughtUp()
	r, err := projections.Verify(t.Context(), w.store, w.pool, projections.VerifyConfig{Now: time.Now, Progress: func(p projections.Progress) { fmt.Println(p) }})
	fmt.Printf("%+v %v\n", r, err)
	r, err = projections.Rollback(t.Context(), w.owner(), projections.RebuildConfig{Now: time.Now, Progress: func(p projections.Progress) { fmt.Println(p) }})
	fmt.Printf("%+v %v\n", r, err)
	w.caughtUp()
	r, err = projections.Verify(t.Context(), w.store, w.pool, projections.VerifyConfig{Now: time.Now, Progress: func(p projections.Progress) { fmt.Println(p) }})
	fmt.Printf("%+v %v\n", r, err)
}
