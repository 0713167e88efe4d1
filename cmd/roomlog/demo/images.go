package demo

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math"
)

// giftImage is a gift of the demo with its drawing.
type giftImage struct {
	name   string
	coins  int
	colour color.RGBA
	inside func(x, y float64) bool // whether a point is in the shape; x and y are from -1 to 1, y upwards
}

var giftImages = []giftImage{
	{"Heart", 1, color.RGBA{232, 62, 98, 255}, func(x, y float64) bool {
		x, y = x*1.25, y*1.25+.1
		a := x*x + y*y - .6
		return a*a*a-x*x*y*y*y < 0
	}},
	{"Star", 5, color.RGBA{245, 176, 44, 255}, func(x, y float64) bool { return inStar(x, y, 5, .42) }},
	{"Rose", 30, color.RGBA{206, 46, 92, 255}, func(x, y float64) bool {
		angle, r := math.Atan2(y, x), math.Hypot(x, y)
		return r < .62+.16*math.Cos(6*angle) && (r < .16 || math.Abs(math.Mod(r*5-angle/math.Pi+8, 1)-.5) > .08)
	}},
	{"Crown", 99, color.RGBA{236, 160, 30, 255}, func(x, y float64) bool {
		return math.Abs(x) < .8 && y > -.6 && y < math.Max(-.25, .65-1.9*math.Abs(math.Mod(math.Abs(x)+.2, .55)-.2)) || math.Abs(x) < .8 && y < -.66 && y > -.8
	}},
	{"Rocket", 520, color.RGBA{86, 112, 232, 255}, func(x, y float64) bool {
		u, v := (x+y)/math.Sqrt2, (x-y)/math.Sqrt2 // it flies to the upper right
		body := u > -.5 && u < .95 && math.Abs(v) < .3*math.Sqrt(math.Max(0, 1-math.Pow(math.Max(0, (u-.1)/.85), 2)))
		fin := u > -.75 && u < -.1 && math.Abs(v) < .3-.5*(u+.1)*.9 && math.Abs(v) > .3
		window := math.Hypot(u-.3, v) < .13
		return (body || fin || u > -.95 && u <= -.5 && math.Abs(v) < .16*(u+.95)*2) && !window
	}},
}

// inStar reports whether a point is in a star with a number of points. inner is the radius of the inner corners.
func inStar(x, y float64, points int, inner float64) bool {
	const outer = .9
	sector := math.Pi / float64(points)
	angle := math.Mod(math.Atan2(x, y)+2*math.Pi, 2*sector)
	if angle > sector {
		angle = 2*sector - angle
	}
	r := math.Hypot(x, y)
	px, py := r*math.Cos(angle), r*math.Sin(angle)
	cx, cy := outer*inner*math.Cos(sector), outer*inner*math.Sin(sector)
	return (outer-px)*cy-py*(outer-cx) > 0 // below the edge from the outer to the inner corner
}

const (
	imageSize = 96
	samples   = 4 // number of sampled points of each pixel in each direction
)

// draw returns the picture of a gift as PNG.
func draw(g giftImage) []byte {
	canvas := image.NewNRGBA(image.Rect(0, 0, imageSize, imageSize))
	for py := range imageSize {
		for px := range imageSize {
			covered := 0
			for s := range samples * samples {
				x := (float64(px)+(float64(s%samples)+.5)/samples)/imageSize*2 - 1
				y := 1 - (float64(py)+(float64(s/samples)+.5)/samples)/imageSize*2
				if g.inside(x, y) {
					covered++
				}
			}
			light := 1.15 - .4*float64(py)/imageSize
			shade := func(c uint8) uint8 { return uint8(math.Min(255, float64(c)*light)) }
			canvas.SetNRGBA(px, py, color.NRGBA{shade(g.colour.R), shade(g.colour.G), shade(g.colour.B), uint8(255 * covered / (samples * samples))})
		}
	}
	var out bytes.Buffer
	if err := png.Encode(&out, canvas); err != nil {
		panic("demo: " + err.Error()) // cannot happen: memory takes every write
	}
	return out.Bytes()
}
