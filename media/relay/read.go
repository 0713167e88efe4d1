package relay

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"roomlog/media"
	"roomlog/media/flv"
)

const (
	fileHeaderSize = 13
	tagHeaderSize  = 11
	tagTailSize    = 4
	maxTag         = 8 << 20 // maximum size of a payload in bytes, the same as for a message of an encoder
	readBuffer     = 64 << 10
)

// errRestart is the outcome of a connection after which the stream has other tracks. It is no fault.
var errRestart = errors.New("relay: the stream has other tracks now")

var errMalformed = errors.New("relay: the node sends no FLV stream")

// source returns the Source that the header of a response and the header of its FLV file describe. It reads the header of
// the file.
func source(response *http.Response, body *bufio.Reader) (media.Source, error) {
	at, err := strconv.ParseUint(response.Header.Get(media.HeaderTime), 10, 32)
	broadcast := response.Header.Get(media.HeaderBroadcast)
	if err != nil || broadcast == "" {
		return media.Source{}, errMalformed
	}
	head := make([]byte, fileHeaderSize)
	if _, err := io.ReadFull(body, head); err != nil {
		return media.Source{}, err
	}
	if string(head[:3]) != "FLV" {
		return media.Source{}, errMalformed
	}
	return media.Source{Broadcast: broadcast, Time: uint32(at), Video: head[4]&1 != 0, Audio: head[4]&4 != 0}, nil
}

// readTag reads a tag with its tail. The result is not used by later calls. readTag returns errRestart for a tag of the kind
// media.KindRestart.
func readTag(body *bufio.Reader) ([]byte, error) {
	head, err := body.Peek(tagHeaderSize)
	if err != nil {
		if len(head) > 0 && errors.Is(err, io.EOF) {
			return nil, io.ErrUnexpectedEOF
		}
		return nil, err
	}
	size := int(head[1])<<16 | int(head[2])<<8 | int(head[3])
	if head[0] == media.KindRestart && size == 0 {
		return nil, errRestart
	}
	if kind := head[0]; kind != flv.Audio && kind != flv.Video && kind != flv.Script || size > maxTag {
		return nil, fmt.Errorf("%w: a tag of the type %d with %d bytes", errMalformed, kind, size)
	}
	tag := make([]byte, tagHeaderSize+size+tagTailSize)
	if _, err := io.ReadFull(body, tag); err != nil {
		return nil, io.ErrUnexpectedEOF
	}
	return tag, nil
}
