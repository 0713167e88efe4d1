package demo

import (
	"bytes"
	"image/png"
	"testing"
	"time"
)

// TestFilms reads every film: it begins with a picture, and its times increase.
func TestFilms(t *testing.T) {
	for _, planned := range plannedLives {
		f, err := readFilm(planned.film)
		if err != nil {
			t.Fatalf("%s: %v", planned.film, err)
		}
		if f.length < 7*time.Second || f.length > 9*time.Second || len(f.frames) < 200 {
			t.Errorf("%s: %d frames in %v", planned.film, len(f.frames), f.length)
		}
		last := map[bool]time.Duration{}
		for _, one := range f.frames {
			if at, found := last[one.video]; found && one.at <= at || len(one.units) == 0 {
				t.Errorf("%s: a frame at %v follows one at %v", planned.film, one.at, at)
			}
			last[one.video] = one.at
		}
	}
}

// TestGiftImages draws every gift.
func TestGiftImages(t *testing.T) {
	for _, g := range giftImages {
		drawn, err := png.Decode(bytes.NewReader(draw(g)))
		if err != nil {
			t.Fatal(err)
		}
		covered := 0
		for y := range imageSize {
			for x := range imageSize {
				if _, _, _, alpha := drawn.At(x, y).RGBA(); alpha > 0 {
					covered++
				}
			}
		}
		if share := covered * 100 / (imageSize * imageSize); share < 10 || share > 80 {
			t.Errorf("%s covers %d %% of its picture", g.name, share)
		}
	}
}
