package amf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

const (
	// MaxDepth is the maximum nesting of values. Clients use two levels.
	MaxDepth = 16
	// MaxNodes is the maximum number of values in a message. The metadata of encoders has about thirty.
	MaxNodes = 2048
)

// The errors of Decode.
var (
	ErrMalformed = errors.New("amf0: malformed")
	ErrLimit     = errors.New("amf0: limit exceeded")
)

// The type markers of values.
const (
	markNumber      = 0
	markBoolean     = 1
	markString      = 2
	markObject      = 3
	markNull        = 5
	markUndefined   = 6
	markECMAArray   = 8
	markObjectEnd   = 9
	markStrictArray = 10
	markDate        = 11
	markLongString  = 12
)

// scanner checks values without decoding them.
type scanner struct {
	left  []byte
	nodes int
}

// scan returns an error unless b consists of complete values within the limits.
func scan(b []byte) error {
	s := scanner{left: b}
	for len(s.left) > 0 {
		if err := s.value(0); err != nil {
			return err
		}
	}
	return nil
}

// take returns the next n bytes and advances.
func (s *scanner) take(n uint64) ([]byte, error) {
	if n > uint64(len(s.left)) {
		return nil, ErrMalformed
	}
	b := s.left[:n]
	s.left = s.left[n:]
	return b, nil
}

func (s *scanner) skip(n uint64) error {
	_, err := s.take(n)
	return err
}

func (s *scanner) value(depth int) error {
	if s.nodes++; s.nodes > MaxNodes || depth > MaxDepth {
		return ErrLimit
	}
	mark, err := s.take(1)
	if err != nil {
		return err
	}
	switch mark[0] {
	case markNull, markUndefined:
		return nil
	case markNumber:
		return s.skip(8)
	case markBoolean:
		return s.skip(1)
	case markDate:
		return s.skip(10)
	case markString:
		return s.text16()
	case markLongString:
		return s.text32()
	case markObject:
		return s.object(depth)
	case markECMAArray:
		if err := s.skip(4); err != nil { // skips the count, which is often wrong
			return err
		}
		return s.object(depth)
	case markStrictArray:
		return s.array(depth)
	}
	return fmt.Errorf("%w: marker %d", ErrMalformed, mark[0])
}

func (s *scanner) text16() error {
	size, err := s.take(2)
	if err != nil {
		return err
	}
	return s.skip(uint64(binary.BigEndian.Uint16(size)))
}

func (s *scanner) text32() error {
	size, err := s.take(4)
	if err != nil {
		return err
	}
	return s.skip(uint64(binary.BigEndian.Uint32(size)))
}

// object checks the fields of an object up to the empty name and the end marker.
func (s *scanner) object(depth int) error {
	for {
		size, err := s.take(2)
		if err != nil {
			return err
		}
		n := binary.BigEndian.Uint16(size)
		if n == 0 {
			end, err := s.take(1)
			if err == nil && end[0] != markObjectEnd {
				err = ErrMalformed
			}
			return err
		}
		if err := s.skip(uint64(n)); err != nil {
			return err
		}
		if err := s.value(depth + 1); err != nil {
			return err
		}
	}
}

// array checks a strict array. It refuses a count that the remaining bytes cannot hold.
func (s *scanner) array(depth int) error {
	size, err := s.take(4)
	if err != nil {
		return err
	}
	count := binary.BigEndian.Uint32(size)
	if uint64(count) > uint64(len(s.left)) {
		return fmt.Errorf("%w: array of %d values in %d bytes", ErrMalformed, count, len(s.left))
	}
	for range count {
		if err := s.value(depth + 1); err != nil {
			return err
		}
	}
	return nil
}

// RemoveFields returns b without some fields of the object or ECMA array with which it begins. It changes no other byte, not even the count
// of an ECMA array, which readers must not rely on. It returns b itself if there is no such field, or if the value is malformed.
func RemoveFields(b []byte, names ...string) []byte {
	s := scanner{left: b}
	mark, err := s.take(1)
	switch {
	case err != nil:
		return b
	case mark[0] == markObject:
	case mark[0] != markECMAArray || s.skip(4) != nil:
		return b
	}
	var kept []byte
	copied := 0 // number of bytes of b that are in kept or were removed
	for {
		start := len(b) - len(s.left)
		size, err := s.take(2)
		if err != nil {
			return b
		}
		n := binary.BigEndian.Uint16(size)
		if n == 0 {
			break
		}
		name, err := s.take(uint64(n))
		if err != nil || s.value(1) != nil {
			return b
		}
		if slices.Contains(names, string(name)) {
			kept = append(kept, b[copied:start]...)
			copied = len(b) - len(s.left)
		}
	}
	if copied == 0 {
		return b
	}
	return append(kept, b[copied:]...)
}
