package disk_test

import (
	"errors"
	"testing"

	"roomlog/internal/disk"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, c := range map[string]struct {
		reserve, n int64
		full       bool
	}{
		"a small reserve":                   {1, 1, false},
		"a reserve larger than the disk":    {1 << 60, 1, true},
		"a write larger than the disk":      {1, 1 << 60, true},
		"no reserve":                        {-1, 1 << 60, false},
		"a reserve that nobody has set yet": {0, 1 << 60, false},
	} {
		if err := (disk.Settings{DiskReserve: c.reserve}).Check(dir, c.n); errors.Is(err, disk.ErrFull) != c.full {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := (disk.Settings{DiskReserve: 1 << 60}).Check(dir+"/none", 1); err != nil {
		t.Errorf("an unknown folder: %v", err)
	}
}
