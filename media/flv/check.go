package flv

import "fmt"

// Check returns an error if no player can use a payload, because it is truncated or is a sequence header that describes
// nothing. It does not parse what decoders may understand better than this package.
func Check(info Info, payload []byte) (err error) {
	defer guard(&err)
	switch {
	case info.Kind == Script:
		return nil
	case info.Kind == Audio && len(payload) > 0 && payload[0]>>4 == formatDevice:
		return fmt.Errorf("%w: sound of a device-specific format", ErrMalformed)
	case info.Header:
		return checkHeader(info, payload[info.Body:])
	case info.Coded && info.Body >= len(payload), truncated(info, payload):
		return fmt.Errorf("%w: payload of %d bytes", ErrMalformed, len(payload))
	}
	return nil
}

// truncated reports whether a payload ends before the bytes that info describes.
func truncated(info Info, b []byte) bool {
	switch {
	case len(b) == 0:
		return true
	case info.Kind == Audio && b[0]>>4 == formatEnhanced, info.Kind == Video && b[0]&0x80 != 0:
		return len(b) < 5 && b[0]>>4&7 != frameCommand
	case info.Kind == Audio:
		return info.Codec == AAC && len(b) < 2
	}
	return (info.Codec == H264 || info.Codec == HEVC || info.Codec == AV1) && len(b) < 5 && b[0]>>4 != frameCommand
}

const markAV1 = 0x81 // marker bit and version 1 of a decoder configuration (AV1 in ISOBMFF, section 2.3.3)

func checkHeader(info Info, body []byte) error {
	var err error
	minimum := 1
	switch info.Codec {
	case H264:
		_, err = parseAVCC(body)
	case HEVC:
		_, err = parseHVCC(body)
	case AV1, VP9:
		minimum = 4
	case AAC:
		minimum = 2
	case Opus:
		minimum = opusHeadSize
	}
	switch {
	case err != nil || info.Mixed:
		return err
	case len(body) < minimum:
		return fmt.Errorf("%w: sequence header of %d bytes", ErrMalformed, len(body))
	case info.Codec == AV1 && body[0] != markAV1:
		return fmt.Errorf("%w: decoder configuration of AV1 that begins with %#x", ErrMalformed, body[0])
	case info.Codec == AAC && body[0]>>3 == 0:
		return fmt.Errorf("%w: decoder configuration of AAC without an object type", ErrMalformed)
	case info.Codec == Opus:
		_, err = soundOfOpus(body)
	}
	return err
}
