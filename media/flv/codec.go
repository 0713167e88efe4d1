package flv

// Codec names what a payload is coded in: "h264", "aac"; of enhanced RTMP, what we do not know more of by
// the four letters that it has there.
type Codec string

// The codecs that we know more about than their name.
const (
	H264 Codec = "h264"
	HEVC Codec = "hevc"
	AV1  Codec = "av1"
	VP9  Codec = "vp9"
	AAC  Codec = "aac"
	MP3  Codec = "mp3"
	Opus Codec = "opus"
)

// videoCodec is what the number in a video tag means. 12 and 13 are in no standard, but in use.
func videoCodec(id byte) Codec {
	switch id {
	case 2:
		return "h263"
	case 3, 6:
		return "screen"
	case 4, 5:
		return "vp6"
	case 7:
		return H264
	case 12:
		return HEVC
	case 13:
		return AV1
	}
	return ""
}

// audioCodec is what the number in an audio tag means.
func audioCodec(id byte) Codec {
	switch id {
	case 0, 3:
		return "pcm"
	case 1:
		return "adpcm"
	case 2, 14:
		return MP3
	case 4, 5, 6:
		return "nellymoser"
	case 7:
		return "pcma"
	case 8:
		return "pcmu"
	case 10:
		return AAC
	case 11:
		return "speex"
	}
	return ""
}

// fourCC is what four letters of enhanced RTMP mean.
func fourCC(letters []byte) Codec {
	switch string(letters) {
	case "avc1":
		return H264
	case "hvc1":
		return HEVC
	case "av01":
		return AV1
	case "vp09":
		return VP9
	case "mp4a":
		return AAC
	case "Opus":
		return Opus
	case ".mp3":
		return MP3
	}
	for _, c := range letters {
		if c < ' ' || c > '~' {
			return ""
		}
	}
	return Codec(letters)
}
