package hls

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"hash/crc32"
	"net/http"
	"slices"
	"strconv"
	"sync"

	"roomlog/internal/contentcoding"
)

const playlistType = "application/vnd.apple.mpegurl"

// document is a body that many clients request. It is compressed at most once. The lines that only one client receives
// are appended without compression.
type document struct {
	text []byte

	once       sync.Once
	compressed []byte // DEFLATE blocks of text, without the final block
	sum        uint32
}

func newDocument(text []byte) *document { return &document{text: text} }

// WritePlaylist writes a playlist, as gzip if the client accepts that.
func WritePlaylist(w http.ResponseWriter, r *http.Request, text []byte) {
	newDocument(text).write(w, r, "")
}

// write writes the body and then own, compressed with gzip if the client accepts that.
func (d *document) write(w http.ResponseWriter, r *http.Request, own string) {
	header := w.Header()
	header.Set("Content-Type", playlistType)
	header.Add("Vary", "Accept-Encoding")
	var body []byte
	if contentcoding.Choose(r, contentcoding.Gzip) != "" {
		header.Set("Content-Encoding", "gzip")
		body = d.gzip(own)
	} else {
		body = slices.Concat(d.text, []byte(own))
	}
	header.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body)
}

// gzip returns the body and own as a gzip file (RFC 1952). own must be shorter than 64 KiB.
func (d *document) gzip(own string) []byte {
	d.once.Do(func() {
		var out bytes.Buffer
		z, _ := flate.NewWriter(&out, flate.DefaultCompression) // the level is valid
		_, _ = z.Write(d.text)
		_ = z.Flush()
		d.compressed, d.sum = out.Bytes(), crc32.ChecksumIEEE(d.text)
	})
	const gzipHeader = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff" // DEFLATE, no name, no time, unknown system
	b := append([]byte(gzipHeader), d.compressed...)
	b = append(b, 1) // the final block, stored
	b = binary.LittleEndian.AppendUint16(b, uint16(len(own)))
	b = binary.LittleEndian.AppendUint16(b, ^uint16(len(own)))
	b = append(b, own...)
	b = binary.LittleEndian.AppendUint32(b, crc32.Update(d.sum, crc32.IEEETable, []byte(own)))
	return binary.LittleEndian.AppendUint32(b, uint32(len(d.text)+len(own)))
}
