package flvtest

import (
	"encoding/binary"
	"slices"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
)

// WithSubLayers returns a sequence parameter set of HEVC whose sub-layers have the profile and the level of the whole
// stream. The set must have sub-layers without profiles and levels: x265 writes those with temporal-layers=1.
func WithSubLayers(sps []byte) []byte {
	const general, flags = 3, 15 // offsets of the general profile and level, and of the flags
	set := h264.EmulationPreventionRemove(sps)
	layers := int(set[2] >> 1 & 7)
	if layers == 0 || set[flags] != 0 || set[flags+1] != 0 {
		panic("flvtest: no sub-layers, or their profiles are present")
	}
	present := uint16(0xffff) << (16 - 2*layers)
	return escaped(slices.Concat(set[:flags], []byte{byte(present >> 8), byte(present)}, slices.Repeat(set[general:flags], layers), set[flags+2:]))
}

// escaped inserts the bytes that keep start codes out of a NAL unit.
func escaped(unit []byte) (out []byte) {
	for i, b := range unit {
		if n := len(out); i >= 2 && b <= 3 && out[n-1] == 0 && out[n-2] == 0 { // a start code
			out = append(out, 3)
		}
		out = append(out, b)
	}
	return out
}

// MoreSubLayers returns frames of Enhanced with more temporal sub-layers than the two that x265 writes with temporal-layers=1. The
// pictures stay the same: those of the second sub-layer, to which no other picture refers, are spread over the sub-layers from the
// third on, and the picture before them, to which only they refer, is in the second one.
func MoreSubLayers(frames []Payload, layers int) []Payload {
	const header, body = 5, 8 // bytes before the header and before the units of a frame
	out := slices.Clone(frames)
	out[0].Data = slices.Concat(frames[0].Data[:header], headerWithSubLayers(frames[0].Data[header:], layers))
	next := 2
	for i := 1; i < len(out); i++ {
		out[i].Data = slices.Clone(out[i].Data)
		switch {
		case subLayer(frames[i].Data[body:]) == 1:
			setSubLayer(out[i].Data[body:], next)
			if next++; next == layers {
				next = 2
			}
		case i+1 < len(out) && subLayer(frames[i+1].Data[body:]) == 1:
			setSubLayer(out[i].Data[body:], 1)
		}
	}
	return out
}

// codedUnits returns the units of a frame that contain its picture. They share the memory of the frame.
func codedUnits(frame []byte) (units [][]byte) {
	for len(frame) > 0 {
		end := 4 + binary.BigEndian.Uint32(frame)
		if unit := frame[4:end]; unit[0]>>1 < 32 {
			units = append(units, unit)
		}
		frame = frame[end:]
	}
	return units
}

func subLayer(frame []byte) int { return int(codedUnits(frame)[0][1]&7) - 1 }

func setSubLayer(frame []byte, layer int) {
	for _, unit := range codedUnits(frame) {
		unit[1] = unit[1]&^7 | byte(layer+1)
	}
}

// headerWithSubLayers returns a sequence header (ISO/IEC 14496-15, section 8.3.3.1) whose parameter sets have more sub-layers.
func headerWithSubLayers(header []byte, layers int) []byte {
	const layersAt, arraysAt = 21, 23
	out := slices.Clone(header[:arraysAt])
	out[layersAt] = out[layersAt]&^0x38 | byte(layers)<<3
	for rest := header[arraysAt:]; len(rest) > 0; {
		kind, count := rest[0]&0x3f, binary.BigEndian.Uint16(rest[1:])
		out, rest = append(out, rest[:3]...), rest[3:]
		for range count {
			end := 2 + binary.BigEndian.Uint16(rest)
			set := rest[2:end]
			if kind == 32 || kind == 33 {
				set = setWithSubLayers(set, layers)
			}
			out = append(binary.BigEndian.AppendUint16(out, uint16(len(set))), set...)
			rest = rest[end:]
		}
	}
	return out
}

// setWithSubLayers returns a video or sequence parameter set with more sub-layers. The new ones need the same buffers as the last one
// (ITU-T H.265, sections 7.3.2.1 and 7.3.2.2).
func setWithSubLayers(set []byte, layers int) []byte {
	set = h264.EmulationPreventionRemove(set)
	var bits []byte // one bit each
	for _, b := range set {
		for i := 7; i >= 0; i-- {
			bits = append(bits, b>>i&1)
		}
	}
	at := 0
	skip := func(numbers int) { // in Exp-Golomb code
		for range numbers {
			zeros := slices.Index(bits[at:], 1)
			at += 2*zeros + 1
		}
	}
	const profiles = 96 + 16 // bits of the general profile and level, and of the flags
	layersAt := 28
	if set[0]>>1 == 33 {
		layersAt, at = 20, 24+profiles
		skip(4) // id, 4:2:0, size
		if at++; bits[at-1] == 1 {
			skip(4) // window
		}
		skip(3) // bit depths, size of the picture order count
	} else {
		at = 48 + profiles
	}
	if at++; bits[at-1] != 1 || !slices.Equal(bits[layersAt:layersAt+3], []byte{0, 0, 1}) {
		panic("flvtest: the set has not two sub-layers with sizes of their own")
	}
	skip(3)
	from := at
	skip(3)
	end := len(bits) - 1
	for bits[end] == 0 { // the padding
		end--
	}
	bits = slices.Concat(bits[:at], slices.Repeat(bits[from:at], layers-2), bits[at:end], []byte{1})
	for i := range 3 {
		bits[layersAt+i] = byte(layers-1) >> (2 - i) & 1
	}
	out := make([]byte, (len(bits)+7)/8)
	for i, bit := range bits {
		out[i/8] |= bit << (7 - i%8)
	}
	return escaped(out)
}
