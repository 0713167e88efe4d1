// Package flvtest creates payloads of enhanced RTMP from films that ffmpeg has encoded, because not every version of
// ffmpeg can send them. Only tests use it.
package flvtest
