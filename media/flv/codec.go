package flv

// Codec is the name of a codec, such as "h264" or "aac". A codec of enhanced RTMP that this package does not know has
// its FourCC as name.
type Codec string

// The codecs that this package can parse.
const (
	H264 Codec = "h264"
	HEVC Codec = "hevc"
	AV1  Codec = "av1"
	VP9  Codec = "vp9"
	AAC  Codec = "aac"
	MP3  Codec = "mp3"
	Opus Codec = "opus"
)

// videoCodec returns the codec for the number in a video tag, or "" if the number is unknown. The numbers 12 and 13 are
// in use, but not standardized.
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

// isUnofficial reports whether a video tag with this first byte has one of the numbers that are not standardized.
func isUnofficial(first byte) bool {
	const hevc, av1 = 12, 13
	return first&0x80 == 0 && (first&15 == hevc || first&15 == av1)
}

// audioCodec returns the codec for the number in an audio tag, or "" if the number is unknown.
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

// fourCC returns the codec for a FourCC of enhanced RTMP, or "" if the FourCC is not printable.
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
