package hls

import (
	"fmt"
	"slices"

	"github.com/bluenviron/gohlslib/v2/pkg/codecparams"
	"github.com/bluenviron/gohlslib/v2/pkg/codecs"
	"github.com/bluenviron/gohlslib/v2/pkg/playlist"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
	mp4 "github.com/bluenviron/mediacommon/v2/pkg/formats/mp4/codecs"

	"roomlog/media/flv"
	"roomlog/media/mp4track"
)

// index returns the index. Its references to playlists have the query string query. The caller holds the lock of the
// muxer.
func (p *presentation) index(query string) (text []byte, err error) {
	defer guard(&err)
	const group = "audio"
	variant := &playlist.MultivariantVariant{Bandwidth: p.bandwidth, AverageBandwidth: &p.averageBandwidth}
	list := &playlist.Multivariant{Version: 10, IndependentSegments: true, Variants: []*playlist.MultivariantVariant{variant}}
	for i, r := range p.run.renditions {
		if name := codecparams.Marshal(codecOf(r.track)); !slices.Contains(variant.Codecs, name) {
			variant.Codecs = append(variant.Codecs, name)
		}
		uri := r.name + listSuffix
		if query != "" {
			uri += "?" + query
		}
		if r == p.run.video {
			variant.Resolution = fmt.Sprintf("%dx%d", r.track.Size.Width, r.track.Size.Height)
			if rate := frameRate(r.track); rate > 0 {
				variant.FrameRate = &rate
			}
		}
		if i == 0 {
			variant.URI = uri
			continue
		}
		variant.Audio = group
		list.Renditions = append(list.Renditions, &playlist.MultivariantRendition{
			Type: playlist.MultivariantRenditionTypeAudio, GroupID: group, Name: r.name, Autoselect: true, Default: true, URI: &uri})
	}
	return list.Marshal()
}

// frameRate returns the number of pictures per second that the headers of a track announce, or 0.
func frameRate(t *mp4track.Track) float64 {
	switch t.Codec {
	case flv.H264:
		var set h264.SPS
		if set.Unmarshal(t.Sets.SPS) == nil {
			return set.FPS()
		}
	case flv.HEVC:
		var set h265.SPS
		if set.Unmarshal(t.Sets.SPS) == nil {
			return set.FPS()
		}
	}
	return 0
}

// codecOf returns the parameters of a track, from which the library derives the name of the codec (RFC 6381).
func codecOf(t *mp4track.Track) codecs.Codec {
	switch c := t.MP4Codec.(type) {
	case *mp4.H264:
		return &codecs.H264{SPS: c.SPS, PPS: c.PPS}
	case *mp4.H265:
		return &codecs.H265{VPS: c.VPS, SPS: c.SPS, PPS: c.PPS}
	case *mp4.AV1:
		return &codecs.AV1{SequenceHeader: c.SequenceHeader}
	case *mp4.MPEG4Audio:
		return &codecs.MPEG4Audio{Config: c.Config}
	case *mp4.Opus:
		return &codecs.Opus{ChannelCount: c.ChannelCount}
	}
	return nil
}
