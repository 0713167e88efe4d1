package projections_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

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
	t.Run("reads no text when no upload is old enough", func(t *testing.T) {
		statement, err := os.ReadFile("sql/select_unused_uploads.sql")
		if err != nil {
			t.Fatal(err)
		}
		plan := func(before time.Time) (read, spared int) {
			t.Helper()
			explain := "EXPLAIN (ANALYZE, COSTS off, TIMING off) " + string(statement)
			rows, err := w.Pool.Query(t.Context(), explain, pgx.QueryExecModeExec, before, 10)
			if err != nil {
				t.Fatal(err)
			}
			lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
			if err != nil {
				t.Fatal(err)
			}
			for _, line := range lines {
				switch scan := strings.Contains(line, "Scan") && !strings.Contains(line, " on upload") && !strings.Contains(line, "CTE"); {
				case scan && strings.Contains(line, "(never executed)"):
					spared++
				case scan && strings.Contains(line, " on "):
					read++
				}
			}
			return read, spared
		}
		if read, spared := plan(time.Now().Add(-time.Hour)); read != 0 || spared < 5 {
			t.Errorf("without an old upload: %d tables are read, %d are not", read, spared)
		}
		if read, _ := plan(time.Now().Add(time.Hour)); read < 5 {
			t.Errorf("with old uploads: %d tables are read, want all five", read)
		}
	})
}

// upload returns the name of an uploaded file.
func upload(n int) domain.UploadID { return domain.UploadID(fmt.Sprintf("%032x.png", n)) }
