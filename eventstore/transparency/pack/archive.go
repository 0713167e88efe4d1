package pack

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
)

const blockSize = 512 // size of a header in bytes, and alignment of the files in a tar archive

// tarHeader returns the header of a file in the archive: one block, which depends only on name and size.
func tarHeader(name string, size int64) ([]byte, error) {
	var b bytes.Buffer
	err := tar.NewWriter(&b).WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o600, Format: tar.FormatGNU})
	if err == nil && b.Len() != blockSize {
		err = errors.New("a header has more than one block")
	}
	return b.Bytes(), err
}

// padding returns the number of bytes from the end of a file to the next header.
func padding(size int64) int64 { return (blockSize - size%blockSize) % blockSize }

// archive is a pack while it is written.
type archive struct {
	file  *os.File
	at    int64 // where the next file begins
	files []File
}

// add appends a file. It writes the header last, because only then is the size known.
func (a *archive) add(name string, write func(io.Writer) error) (*io.SectionReader, error) {
	begin := a.at + blockSize
	if _, err := a.file.Seek(begin, io.SeekStart); err != nil {
		return nil, err
	}
	out := newDigest(a.file)
	if err := write(out); err != nil {
		return nil, err
	}
	f := out.entry(name)
	if _, err := a.file.Write(make([]byte, padding(f.Bytes))); err != nil {
		return nil, err
	}
	header, err := tarHeader(name, f.Bytes)
	if err != nil {
		return nil, err
	}
	if _, err := a.file.WriteAt(header, a.at); err != nil {
		return nil, err
	}
	a.at, a.files = begin+f.Bytes+padding(f.Bytes), append(a.files, f)
	return io.NewSectionReader(a.file, begin, f.Bytes), nil
}

// finish appends the end of the archive, and waits for the disk.
func (a *archive) finish() error {
	_, err := a.file.WriteAt(make([]byte, 2*blockSize), a.at)
	return errors.Join(err, a.file.Sync())
}

// digest counts and hashes what is written through it.
type digest struct {
	to    io.Writer
	hash  hash.Hash
	bytes int64
}

func newDigest(to io.Writer) *digest {
	h := sha256.New()
	return &digest{io.MultiWriter(to, h), h, 0}
}

func (d *digest) Write(p []byte) (int, error) {
	d.bytes += int64(len(p))
	return d.to.Write(p)
}

func (d *digest) entry(name string) File {
	return File{name, d.bytes, hex.EncodeToString(d.hash.Sum(nil))}
}

// openArchive returns the files of a pack. The bytes outside the files, such as headers, must be those that Write
// writes.
func openArchive(r io.ReaderAt, size int64) (map[string]*io.SectionReader, error) {
	found := map[string]*io.SectionReader{}
	at := int64(0)
	for _, name := range fileNames {
		content, err := openFile(r, at, size, name)
		if err != nil {
			return nil, &Fault{File: name, Text: err.Error()}
		}
		found[name] = content
		at += blockSize + content.Size() + padding(content.Size())
	}
	if size != at+2*blockSize || !isZero(r, at, 2*blockSize) {
		return nil, &Fault{Text: fmt.Sprintf("the pack has %d bytes, expected %d, of which the last %d are zero", size, at+2*blockSize, 2*blockSize)}
	}
	return found, nil
}

var (
	errHeader = errors.New("the header of the file is damaged, or the file is missing")
	errCut    = errors.New("the pack ends before the end of the file: it was not written or copied completely")
)

func openFile(r io.ReaderAt, at, size int64, name string) (*io.SectionReader, error) {
	stored := make([]byte, blockSize)
	if _, err := r.ReadAt(stored, at); err != nil {
		return nil, errHeader
	}
	h, err := tar.NewReader(bytes.NewReader(stored)).Next()
	if err != nil || h.Size < 0 {
		return nil, errHeader
	}
	want, err := tarHeader(name, h.Size)
	if err != nil || !bytes.Equal(stored, want) {
		return nil, errHeader
	}
	if rest := size - at - blockSize; h.Size > rest || h.Size+padding(h.Size) > rest {
		return nil, errCut
	}
	if !isZero(r, at+blockSize+h.Size, padding(h.Size)) {
		return nil, errors.New("the bytes after the file are not zero")
	}
	return io.NewSectionReader(r, at+blockSize, h.Size), nil
}

func isZero(r io.ReaderAt, at, n int64) bool {
	b := make([]byte, n)
	_, err := r.ReadAt(b, at)
	return (err == nil || errors.Is(err, io.EOF) && n == 0) && bytes.Count(b, []byte{0}) == len(b)
}

// errDiffers means that a file does not have the bytes that were written to a comparer.
var errDiffers = errors.New("the file has other bytes than those that follow from the events")

// comparer compares what is written to it with the content of a file.
type comparer struct {
	content io.Reader
	buffer  []byte
}

func (c *comparer) Write(p []byte) (int, error) {
	if cap(c.buffer) < len(p) {
		c.buffer = make([]byte, len(p))
	}
	got := c.buffer[:len(p)]
	_, err := io.ReadFull(c.content, got)
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), err == nil && !bytes.Equal(got, p):
		return 0, errDiffers
	case err != nil:
		return 0, err
	}
	return len(p), nil
}

// end fails unless everything was compared.
func (c *comparer) end() error {
	n, err := c.content.Read(make([]byte, 1))
	if n > 0 || err == nil {
		return errDiffers
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
