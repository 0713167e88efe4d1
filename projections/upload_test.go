package projections_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/projections/projtest"
)

func TestUploadsOfATextAreUsed(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	c := projtest.NewTraffic(w, 1, 1)
	user := c.Users[0]
	for i := range 4 {
		user.Send(domain.AddUpload{Upload: upload(i), Bytes: 1, Quota: 100, Files: 10})
	}
	user.Send(domain.PostComment{Live: c.Lives[0], Text: fmt.Sprintf("https://a.example/uploads/%s, /uploads/%s and /uploads/%s", upload(1), upload(2), upload(3))})
	w.Project()
	w.CatchUp()
	unused := func(before time.Time) (ids []domain.UploadID) {
		t.Helper()
		found, err := w.Queries.UnusedUploads(t.Context(), before, 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range found {
			ids = append(ids, u.ID)
		}
		return ids
	}
	if got := unused(time.Now().Add(time.Hour)); !slices.Equal(got, []domain.UploadID{upload(0)}) {
		t.Errorf("unused: %q, want the first upload only", got)
	}
	if got := unused(time.Now().Add(-time.Hour)); len(got) != 0 {
		t.Errorf("unused: %q, want none of these new uploads", got)
	}
}

// upload returns the name of an uploaded file.
func upload(n int) domain.UploadID { return domain.UploadID(fmt.Sprintf("%032x.png", n)) }
