package amf_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"roomlog/media/amf"
)

func TestDecodeReturnsWhatEncodeWrote(t *testing.T) {
	values := []any{"connect", 1.0, amf.Object{"app": "live", "fpad": false, "deep": amf.Object{"x": nil}}, nil, true}
	got, err := amf.Decode(amf.Encode(values...))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(values, got); diff != "" {
		t.Fatal(diff)
	}
}

func TestFirstReturnsTheSizeOfTheValue(t *testing.T) {
	b := amf.Encode("@setDataFrame", "onMetaData", amf.Object{"width": 1280.0})
	v, n, err := amf.First(b)
	if err != nil || v != "@setDataFrame" || n != 16 {
		t.Fatalf("got %v, %d, %v", v, n, err)
	}
	if v, _, err = amf.First(b[n:]); err != nil || v != "onMetaData" {
		t.Fatalf("got %v, %v", v, err)
	}
}

func TestECMAArraysAreObjectsWhateverTheirCount(t *testing.T) {
	b := append([]byte{8, 0xff, 0xff, 0xff, 0xff, 0, 1, 'w'}, amf.Encode(640.0)...)
	got, err := amf.Decode(append(b, 0, 0, 9))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]any{amf.Object{"w": 640.0}}, got); diff != "" {
		t.Fatal(diff)
	}
}

// nested returns n nested objects, each a key followed by the start of an object.
func nested(n int) []byte {
	b := bytes.Repeat([]byte{3, 0, 1, 'a'}, n)
	b = append(b, 5)
	return append(b, bytes.Repeat([]byte{0, 0, 9}, n)...)
}

func TestDecodeRefuses(t *testing.T) {
	for _, tt := range []struct {
		name string
		b    []byte
		want error
	}{
		{"nesting beyond 16", nested(17), amf.ErrLimit},
		{"nesting that would overflow the stack", nested(1 << 20), amf.ErrLimit},
		{"arrays nested as deep", bytes.Repeat([]byte{10, 0, 0, 0, 1}, 1<<20), amf.ErrLimit},
		{"an array of four billion values in 25 bytes", append([]byte{10, 0xff, 0xff, 0xff, 0xff}, make([]byte, 20)...), amf.ErrMalformed},
		{"more than 2048 values", bytes.Repeat([]byte{5}, 2049), amf.ErrLimit},
		{"an array of more than 2048 values", append([]byte{10, 0, 0, 16, 0}, bytes.Repeat([]byte{5}, 4096)...), amf.ErrLimit},
		{"a string longer than the message", []byte{2, 0, 9, 'x'}, amf.ErrMalformed},
		{"a long string of four gigabytes", []byte{12, 0xff, 0xff, 0xff, 0xff, 'x'}, amf.ErrMalformed},
		{"a number cut short", []byte{0, 1, 2, 3}, amf.ErrMalformed},
		{"an object without end", []byte{3, 0, 1, 'a', 5}, amf.ErrMalformed},
		{"an object ended by something else", []byte{3, 0, 0, 5}, amf.ErrMalformed},
		{"an unknown marker", []byte{9, 0, 0, 0}, amf.ErrMalformed},
		{"a reference", []byte{7, 0, 0}, amf.ErrMalformed},
		{"the switch to AMF3", []byte{17, 4, 1}, amf.ErrMalformed},
		{"valid values followed by an invalid one", append(amf.Encode("play", 1.0), 13), amf.ErrMalformed},
		{"valid values followed by too many", append(amf.Encode("play", 1.0), bytes.Repeat([]byte{5}, 2049)...), amf.ErrLimit},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var before []any
			if bytes.HasPrefix(tt.b, amf.Encode("play")) && !errors.Is(tt.want, amf.ErrLimit) {
				before = []any{"play", 1.0}
			}
			if got, err := amf.Decode(tt.b); !errors.Is(err, tt.want) || !slices.Equal(got, before) {
				t.Fatalf("got %v, %v, want %v", got, err, tt.want)
			}
		})
	}
	t.Run("accepts nesting of 16", func(t *testing.T) {
		if _, err := amf.Decode(nested(16)); err != nil {
			t.Fatal(err)
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add(amf.Encode("connect", 1.0, amf.Object{"app": "live", "n": 1.5, "b": true, "z": nil}))
	f.Add(nested(16))
	f.Add(nested(17))
	f.Add([]byte{10, 0, 0, 0, 2, 5, 6})
	f.Add([]byte{10, 0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{8, 0, 0, 0, 1, 0, 1, 'a', 1, 1, 0, 0, 9})
	f.Add([]byte{11, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Add([]byte{12, 0, 0, 0, 1, 'x', 9, 0, 0, 0})
	f.Add(binary.BigEndian.AppendUint32([]byte{10}, 1<<31))
	f.Add([]byte(strings.Repeat("\x0a\x00\x00\x00\x01", 40)))
	f.Fuzz(func(t *testing.T, b []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		values, err := amf.Decode(b)
		runtime.ReadMemStats(&after)
		if grown := after.TotalAlloc - before.TotalAlloc; grown > uint64(64*len(b))+1<<20 {
			t.Fatalf("%d bytes took %d", len(b), grown)
		}
		if err == nil && len(values) > amf.MaxNodes {
			t.Fatalf("%d values", len(values))
		}
		if v, n, err := amf.First(b); err == nil && len(b) > 0 && (n < 1 || n > len(b)) {
			t.Fatalf("%v takes %d of %d bytes", v, n, len(b))
		}
	})
}
