package eventstore

import (
	"testing"

	"github.com/google/uuid"
)

// TestRecentEventsOfAFormerHistory checks that a batch that was committed in a former history is not kept, also if the
// log ends where the batch began.
func TestRecentEventsOfAFormerHistory(t *testing.T) {
	head := event{7, uuid.New()}
	batch := []Record{{Position: 8, ID: uuid.New()}}
	var r recent
	r.add(1, head, batch)
	if kept, number := r.after(head, 10); len(kept) != 1 || !kept[0].Own || number != 1 {
		t.Errorf("got %+v of history %d, want the event of history 1", kept, number)
	}
	r.clear(2)
	r.add(1, head, batch)
	if kept, _ := r.after(head, 10); len(kept) != 0 {
		t.Errorf("got %+v of a former history", kept)
	}
	r.add(2, head, batch)
	if kept, number := r.after(head, 10); len(kept) != 1 || number != 2 {
		t.Errorf("got %+v of history %d, want the event of history 2", kept, number)
	}
}
