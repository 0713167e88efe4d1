// Package snapshot makes JPEG pictures of streams with ffmpeg. It decodes one picture at a time and keeps each for some
// seconds, so that a list of many streams costs little.
package snapshot
