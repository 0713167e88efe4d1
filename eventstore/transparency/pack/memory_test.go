package pack_test

import (
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"roomlog/eventstore/transparency"
	"roomlog/eventstore/transparency/pack"
)

// assemble writes a pack of n events and returns the keys that check it.
func assemble(t testing.TB, n int) (path string, known note.Verifiers) {
	t.Helper()
	keys, err := transparency.NewKeys([]string{strings.Repeat("k", 32)}, "roomlog/big/1")
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "pack")
	if err := pack.Assemble(path, keys, bigLog(n)); err != nil {
		t.Fatal(err)
	}
	if known, err = transparency.ParseKeys(keys.Public()[0]); err != nil {
		t.Fatal(err)
	}
	return path, known
}

// heapReader measures the heap that is in use while somebody reads.
type heapReader struct {
	io.ReaderAt
	reads   int
	largest uint64
}

func (r *heapReader) ReadAt(p []byte, at int64) (int, error) {
	if r.reads++; r.reads%32 == 0 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		r.largest = max(r.largest, m.HeapAlloc)
	}
	return r.ReaderAt.ReadAt(p, at)
}

// TestMemoryOfVerification verifies a pack with ten times as many events as another. The largest heap must be the same.
// The test does not run in parallel, because it measures the heap of the process.
func TestMemoryOfVerification(t *testing.T) {
	largest := func(n int) uint64 {
		path, known := assemble(t, n)
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		info, err := file.Stat()
		if err != nil {
			t.Fatal(err)
		}
		r := &heapReader{ReaderAt: file}
		if report, err := pack.Verify(t.Context(), r, info.Size(), known, nil); err != nil || report.To != int64(n) {
			t.Fatal(report, err)
		}
		return r.largest
	}
	small, big := largest(5_000), largest(50_000)
	if big > small+small/4+(512<<10) {
		t.Errorf("%d bytes of heap for 5,000 events, %d for 50,000", small, big)
	}
}
