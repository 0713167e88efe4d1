package amf

import (
	"errors"
	"fmt"

	"github.com/deepch/vdk/format/flv/flvio"
)

// Object is a value with named fields. Decode returns it for objects and ECMA arrays.
type Object = flvio.AMFMap

// Array is a list of values. Decode returns it for strict arrays.
type Array = flvio.AMFArray

// Decode returns all values in b. If one is malformed, it returns the values before it, and the error wraps ErrMalformed. If they
// exceed a limit, it returns no value, and the error wraps ErrLimit. Numbers become float64, strings string, booleans bool, null and undefined nil, objects Object, strict arrays
// flvio.AMFArray and dates time.Time.
func Decode(b []byte) (values []any, err error) {
	s := scanner{left: b}
	for len(b) > 0 {
		err := s.value(0)
		switch {
		case errors.Is(err, ErrLimit):
			return nil, err
		case err != nil:
			return values, err
		}
		v, n, err := one(b)
		if err != nil {
			return values, err
		}
		if n != len(b)-len(s.left) {
			return values, ErrMalformed
		}
		values, b = append(values, v), s.left
	}
	return values, nil
}

// First returns the first value in b and its size in bytes. It fails unless b consists only of values.
func First(b []byte) (value any, size int, err error) {
	if err := scan(b); err != nil {
		return nil, 0, err
	}
	return one(b)
}

// one decodes the first value of bytes that were already scanned, and returns its size. If flvio panics, it returns
// ErrMalformed.
func one(b []byte) (v any, n int, err error) {
	defer func() {
		if recover() != nil {
			v, n, err = nil, 0, ErrMalformed
		}
	}()
	v, n, err = flvio.ParseAMF0Val(b)
	if err != nil {
		return nil, 0, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if n <= 0 || n > len(b) {
		return nil, 0, ErrMalformed
	}
	return v, n, nil
}

// Encode encodes values one after another. It supports numbers of any Go type, strings shorter than 64 KiB, bool, nil,
// Object and arrays of these.
func Encode(values ...any) []byte {
	size := 0
	for _, v := range values {
		size += flvio.LenAMF0Val(v)
	}
	b := make([]byte, size)
	at := 0
	for _, v := range values {
		at += flvio.FillAMF0Val(b[at:], v)
	}
	return b[:at]
}
