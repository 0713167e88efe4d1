package api

import (
	"bytes"
	"net/http"
	"slices"
)

// pictures are the types of pictures that are taken, as their first bytes say, with the ending of their files.
var pictures = map[string]string{
	"image/jpeg": ".jpg",
	"image/png":  ".png",
	"image/gif":  ".gif",
	"image/webp": ".webp",
}

// sounds are the types of sounds that are taken, with the ending of their files.
var sounds = map[string]string{
	"audio/ogg":  ".ogg",
	"audio/mpeg": ".mp3",
	"audio/mp4":  ".m4a",
	"audio/aac":  ".aac",
	"audio/webm": ".webm",
	"audio/wav":  ".wav",
	"audio/amr":  ".amr",
}

// endingOf answers what the name of a file that begins with head is to end in; "" for one that is not taken.
func endingOf(head []byte) string {
	if ending, ok := pictures[http.DetectContentType(head)]; ok {
		return ending
	}
	return sounds[soundType(head)]
}

// kindOf answers the type of a file whose name has an ending that we gave it.
func kindOf(ending string) string {
	for _, kinds := range []map[string]string{pictures, sounds} {
		for kind, its := range kinds {
			if its == ending {
				return kind
			}
		}
	}
	return ""
}

// soundType answers what sound begins with head; "" for none. Containers that may hold a moving picture are
// taken for a sound only with a sound's codec, or with a brand that recorders of sound write.
func soundType(head []byte) string {
	starts := func(s string) bool { return bytes.HasPrefix(head, []byte(s)) }
	has := func(s string) bool { return bytes.Contains(head, []byte(s)) }
	switch {
	case starts("OggS"):
		if has("OpusHead") || has("\x01vorbis") || has("Speex   ") {
			return "audio/ogg"
		}
	case starts("RIFF") && len(head) >= 12 && string(head[8:12]) == "WAVE":
		return "audio/wav"
	case starts("\x1a\x45\xdf\xa3"):
		if has("webm") && (has("A_OPUS") || has("A_VORBIS")) && !has("V_") {
			return "audio/webm"
		}
	case len(head) >= 12 && string(head[4:8]) == "ftyp":
		if slices.Contains([]string{"M4A ", "M4B ", "mp41", "mp42", "isom", "iso2", "iso5", "iso6", "dash"}, string(head[8:12])) {
			return "audio/mp4"
		}
	case starts("#!AMR\n"), starts("#!AMR-WB\n"):
		return "audio/amr"
	case starts("ID3"), mp3Frame(head):
		return "audio/mpeg"
	case len(head) >= 2 && head[0] == 0xff && head[1]&0xf6 == 0xf0: // ADTS
		return "audio/aac"
	}
	return ""
}

// mp3Frame says whether head is that of a frame of MPEG layer III.
func mp3Frame(head []byte) bool {
	if len(head) < 3 {
		return false
	}
	version, layer := head[1]>>3&3, head[1]>>1&3
	return head[0] == 0xff && head[1]&0xe0 == 0xe0 && version != 1 && layer == 1 &&
		head[2]>>4 != 0 && head[2]>>4 != 15 && head[2]>>2&3 != 3
}
