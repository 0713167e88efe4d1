package transparency

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"golang.org/x/mod/sumdb/note"
)

// maxCheckpoints is the maximum size of a file with checkpoints in bytes.
const maxCheckpoints = 64 << 20

// signaturePrefix begins each line with a signature.
const signaturePrefix = "— "

// ReadCheckpoints reads a file with one signed checkpoint or several, one after another, as a witness and an anchor write
// them, and checks their signatures. A checkpoint that was cut by a power failure is ignored. It fails if the
// file has no checkpoint.
func ReadCheckpoints(path string, known note.Verifiers) ([]Checkpoint, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > maxCheckpoints {
		return nil, fmt.Errorf("%s is larger than %d MiB: split it, each file may have many checkpoints", path, maxCheckpoints>>20)
	}
	content := make([]byte, info.Size())
	if _, err := io.ReadFull(file, content); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	var all []Checkpoint
	for _, part := range splitCheckpoints(content) {
		c, err := OpenCheckpoint(part.signed, known)
		if err != nil && part.cut {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("checkpoint %d in %s: %w", len(all)+1, path, err)
		}
		all = append(all, c)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s contains no signed checkpoint", path)
	}
	return all, nil
}

// textLines is the number of lines of a checkpoint before its signatures: origin, size, root and an empty line.
const textLines = 4

// part is a signed checkpoint in a file.
type part struct {
	signed []byte
	cut    bool // whether the last signature may be incomplete, because the file ends in it or an empty line follows
}

// splitCheckpoints returns the signed checkpoints in a file. Each ends with its last signature line.
func splitCheckpoints(content []byte) (all []part) {
	var lines [][]byte // since the end of the last checkpoint
	signed := false    // whether the last line is a signature
	end := func(cut bool) {
		for i, line := range lines {
			if bytes.HasPrefix(line, []byte(signaturePrefix)) {
				all = append(all, part{bytes.Join(lines[max(0, i-textLines):], nil), cut})
				break
			}
		}
		lines = nil
	}
	for line := range bytes.Lines(content) {
		is := bytes.HasPrefix(line, []byte(signaturePrefix))
		if signed && !is {
			end(string(line) == "\n")
		}
		lines, signed = append(lines, line), is
	}
	if signed {
		end(content[len(content)-1] != '\n')
	}
	return all
}
