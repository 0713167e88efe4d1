package upload

import (
	"bytes"
	"maps"
	"net/http"
	"slices"
)

// imageTypes maps the content types of supported images to file extensions.
var imageTypes = map[string]string{
	"image/jpeg": ".jpg",
	"image/png":  ".png",
	"image/gif":  ".gif",
	"image/webp": ".webp",
}

// soundTypes maps the content types of supported sounds to file extensions.
var soundTypes = map[string]string{
	"audio/ogg":  ".ogg",
	"audio/mpeg": ".mp3",
	"audio/mp4":  ".m4a",
	"audio/aac":  ".aac",
	"audio/webm": ".webm",
	"audio/wav":  ".wav",
	"audio/amr":  ".amr",
}

// extensionOf returns the file extension for a file that begins with head, or "" for an unsupported type.
func extensionOf(head []byte) string {
	if extension, ok := imageTypes[http.DetectContentType(head)]; ok {
		return extension
	}
	return soundTypes[soundType(head)]
}

// isImage reports whether extension, which extensionOf has returned, is that of an image.
func isImage(extension string) bool {
	return slices.Contains(slices.Collect(maps.Values(imageTypes)), extension)
}

// contentTypeOf returns the content type for a file extension that extensionOf returned.
func contentTypeOf(extension string) string {
	for _, types := range []map[string]string{imageTypes, soundTypes} {
		for contentType, e := range types {
			if e == extension {
				return contentType
			}
		}
	}
	return ""
}

// soundType returns the content type of a sound that begins with head, or "" for other files. It accepts a container
// that can also hold video only if it has an audio codec or the brand of a sound recorder.
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
	case len(head) >= 2 && head[0] == 0xff && head[1]&0xf6 == 0xf0: // an ADTS frame
		return "audio/aac"
	}
	return ""
}

// mp3Frame reports whether head begins with an MPEG layer III frame.
func mp3Frame(head []byte) bool {
	if len(head) < 3 {
		return false
	}
	version, layer := head[1]>>3&3, head[1]>>1&3
	return head[0] == 0xff && head[1]&0xe0 == 0xe0 && version != 1 && layer == 1 &&
		head[2]>>4 != 0 && head[2]>>4 != 15 && head[2]>>2&3 != 3
}
