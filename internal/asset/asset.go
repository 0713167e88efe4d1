package asset

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"roomlog/internal/contentcoding"
)

// The content types of text files.
const (
	JavaScript = "text/javascript; charset=utf-8"
	CSS        = "text/css; charset=utf-8"
	HTML       = "text/html; charset=utf-8"
	JSON       = "application/json"
)

// hashLength is the length of a hash in the name of a file, in hexadecimal digits.
const hashLength = 12

// File is a file in memory, compressed with gzip.
type File struct {
	contentType string
	compressed  []byte
}

// New returns a file with the content.
func New(contentType string, content []byte) File { return File{contentType, compress(content)} }

// Compressed returns a file whose content is already compressed with gzip.
func Compressed(contentType string, content []byte) File { return File{contentType, content} }

// Hash returns the beginning of the SHA-256 of a content, for the name under which clients cache it.
func Hash(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])[:hashLength]
}

// CacheForGood lets clients keep the response, because its address has the hash of its content.
func CacheForGood(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
}

// Serve writes the file, compressed if the client accepts that.
func (f File) Serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", f.contentType)
	h.Set("Vary", "Accept-Encoding")
	if contentcoding.Choose(r, contentcoding.Gzip) != "" {
		h.Set("Content-Encoding", "gzip")
		h.Set("Content-Length", strconv.Itoa(len(f.compressed)))
		_, _ = w.Write(f.compressed) // fails only if the client has disconnected
		return
	}
	plain, err := gzip.NewReader(bytes.NewReader(f.compressed))
	if err != nil {
		panic(fmt.Sprintf("asset: a file is damaged: %v", err))
	}
	_, _ = io.Copy(w, plain) // fails only if the client has disconnected
}

func compress(content []byte) []byte {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err == nil {
		_, err = w.Write(content)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		panic("asset: " + err.Error()) // cannot happen: the level is valid and memory takes every write
	}
	return b.Bytes()
}
