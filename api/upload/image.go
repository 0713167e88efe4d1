package upload

import (
	"bufio"
	"errors"
	"fmt"
	"image"
	_ "image/gif" // register the formats with image.DecodeConfig
	_ "image/jpeg"
	_ "image/png"
	"io"

	_ "golang.org/x/image/webp" // registers WebP
)

// Bounds of an image. Clients decode images into 4 bytes per pixel.
const (
	MaxSide   = 16_384     // maximum width and height in pixels
	MaxPixels = 64_000_000 // maximum number of pixels
)

// Errors of Save about images.
var (
	ErrDamaged       = errors.New("the image cannot be decoded")
	ErrTooManyPixels = fmt.Errorf("the image has more than %d pixels, or a side of more than %d", MaxPixels, MaxSide)
)

// checkImage decodes the header of an image, and returns ErrDamaged or ErrTooManyPixels. The pixels are not decoded: their number
// is bounded, and nothing on the server decodes them.
func checkImage(file io.Reader) error {
	header, _, err := image.DecodeConfig(bufio.NewReader(file))
	switch {
	case err != nil || header.Width < 1 || header.Height < 1:
		return ErrDamaged
	case header.Width > MaxSide || header.Height > MaxSide || header.Width*header.Height > MaxPixels:
		return ErrTooManyPixels
	}
	return nil
}
