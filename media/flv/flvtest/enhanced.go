package flvtest

import (
	"bytes"
	"encoding/binary"
	"os"
	"testing"

	"github.com/abema/go-mp4"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4"

	"roomlog/media/flv"
)

// Payload is a payload of an FLV tag.
type Payload struct {
	Kind byte
	At   uint32 // timestamp in milliseconds
	Data []byte
}

// Enhanced returns the sequence header and the frames of an MP4 file in enhanced RTMP. The file has one track, with the
// codec hvc1, av01 or Opus, and was written by ffmpeg with -movflags frag_keyframe+empty_moov+default_base_moof. The
// first sample of each fragment is a key frame.
func Enhanced(t testing.TB, file, fourCC string) []Payload {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	kind, letters := byte(flv.Video), []byte(fourCC)
	if fourCC == "Opus" {
		kind = flv.Audio
	}
	head := func(packet byte, key bool) []byte {
		switch {
		case kind == flv.Audio:
			return append([]byte{9<<4 | packet}, letters...)
		case key:
			return append([]byte{0x80 | 1<<4 | packet}, letters...)
		}
		return append([]byte{0x80 | 2<<4 | packet}, letters...)
	}
	start := bytes.Index(b, []byte("moof")) - 4
	end := bytes.Index(b, []byte("mfra")) - 4
	var parts fmp4.Parts
	if err := parts.Unmarshal(b[start:end]); err != nil {
		t.Fatal(err)
	}
	header := []byte("OpusHead\x01\x01\x00\x00\x80\xbb\x00\x00\x00\x00\x00")
	switch first := parts[0].Tracks[0].Samples[0].Payload; fourCC {
	case "hvc1":
		header = box(t, b, "moov", "trak", "mdia", "minf", "stbl", "stsd", "hvc1", "hvcC")
	case "av01": // ffmpeg leaves the box empty; the header is the first OBU
		header = append([]byte{0x81, 0, 0x0c, 0}, first[:2+first[1]]...)
	}
	all := []Payload{{kind, 0, append(head(0, true), header...)}}
	rate := int64(binary.BigEndian.Uint32(box(t, b, "moov", "trak", "mdia", "mdhd")[12:]))
	for _, part := range parts {
		at := int64(part.Tracks[0].BaseTime)
		for i, s := range part.Tracks[0].Samples {
			payload := head(1, i == 0)
			if fourCC == "hvc1" {
				offset := uint32(int64(s.PTSOffset) * 1000 / rate)
				payload = append(payload, byte(offset>>16), byte(offset>>8), byte(offset))
			}
			all = append(all, Payload{kind, uint32(at * 1000 / rate), append(payload, s.Payload...)})
			at += int64(s.Duration)
		}
	}
	return all
}

func box(t testing.TB, file []byte, path ...string) []byte {
	t.Helper()
	var types mp4.BoxPath
	for _, name := range path {
		types = append(types, mp4.StrToBoxType(name))
	}
	found, err := mp4.ExtractBox(bytes.NewReader(file), nil, types)
	if err != nil || len(found) != 1 {
		t.Fatalf("%v: %d boxes, %v, want 1", path, len(found), err)
	}
	return file[found[0].Offset+found[0].HeaderSize : found[0].Offset+found[0].Size]
}
