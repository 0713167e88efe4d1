package tree

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"roomlog/eventstore/transparency"
)

// MemoryFile is the file of a Memory, relative to the data folder of a server.
const MemoryFile = "tlog/checkpoint"

// Memory remembers the newest checkpoint of a tree outside the database: in memory, and in a file unless path is "". It
// is not safe for concurrent use.
type Memory struct {
	path   string
	newest transparency.Checkpoint
	signed []byte // nil if nothing is remembered
}

// OpenMemory reads what an earlier process has remembered in the file path.
func OpenMemory(path string) (*Memory, error) {
	m := &Memory{path: path}
	if path == "" {
		return m, nil
	}
	signed, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err == nil {
		m.newest, err = transparency.ParseCheckpoint(signed)
	}
	if err != nil {
		return nil, fmt.Errorf("read the remembered checkpoint in %s: %w", path, err)
	}
	m.signed = signed
	return m, nil
}

// Newest returns the newest remembered checkpoint, and reports whether there is one.
func (m *Memory) Newest() (transparency.Checkpoint, bool) { return m.newest, m.signed != nil }

// Remember replaces the remembered checkpoint. If the file cannot be written, the checkpoint is remembered in memory.
func (m *Memory) Remember(signed []byte) error {
	newest, err := transparency.ParseCheckpoint(signed)
	if err != nil {
		return err
	}
	m.newest, m.signed = newest, signed
	if m.path == "" {
		return nil
	}
	if err := transparency.ReplaceFile(m.path, signed); err != nil {
		return fmt.Errorf("remember the checkpoint in a file: %w", err)
	}
	return nil
}
