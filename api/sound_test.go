package api_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"roomlog/domain"
)

// sound returns the content of a sound file that ffmpeg has made.
func sound(t testing.TB, name string) []byte {
	t.Helper()
	if name == "tone.amr" { // the rest of the file is random, because only its beginning matters
		return append([]byte("#!AMR\n\x3c"), make([]byte, 31)...)
	}
	b, err := os.ReadFile(filepath.Join("testdata", "sounds", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestUploadedSounds checks that the chat accepts uploaded sounds as voice messages, and that it refuses other uploads
// as voice messages.
func TestUploadedSounds(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	a := d.account("alice")
	post := func(kind domain.MessageKind, ms int, address string) error {
		_, err := d.sequencer.Execute(t.Context(), domain.Request{Actor: a.actor(), Command: domain.PostMessage{
			Kind: kind, Text: address, DurationMS: ms, UploadURLPrefix: d.url + "/uploads/",
		}})
		return err
	}
	for name, kind := range map[string]string{
		"tone.ogg": "audio/ogg", "tone.mp3": "audio/mpeg", "tagged.mp3": "audio/mpeg", "tone.m4a": "audio/mp4", "tone.aac": "audio/aac",
		"tone.webm": "audio/webm", "tone.wav": "audio/wav", "tone.amr": "audio/amr",
	} {
		t.Run(name, func(t *testing.T) {
			var address string
			a.upload("voice.html", "text/html", sound(t, name)).ok(&address)
			if !strings.HasSuffix(address, filepath.Ext(name)) {
				t.Errorf("address %q", address)
			}
			served := d.get(strings.TrimPrefix(address, d.url))
			if served.status != 200 || served.header.Get("Content-Type") != kind || !bytes.Equal(served.raw, sound(t, name)) {
				t.Errorf("%d %q, %d bytes", served.status, served.header.Get("Content-Type"), len(served.raw))
			}
			if err := post(domain.MessageVoice, 150, address); err != nil {
				t.Error(err)
			}
			if err := post(domain.MessageSticker, 0, address); domain.AsRefusal(err) == nil {
				t.Errorf("a sound as a sticker: %v", err)
			}
		})
	}
	var address string
	a.upload("a.png", "image/png", smallImage(t, "png")).ok(&address)
	if err := post(domain.MessageSticker, 0, address); err != nil {
		t.Errorf("an uploaded sticker: %v", err)
	}
	if err := post(domain.MessageVoice, 150, address); domain.AsRefusal(err) == nil {
		t.Errorf("an image as a voice message: %v", err)
	}
	for _, name := range []string{"moving.ogg", "moving.webm"} {
		if got := a.upload(name, "audio/ogg", sound(t, name)); got.status != 415 {
			t.Errorf("%s: got %d %s, want 415", name, got.status, got.raw)
		}
	}
	for what, content := range map[string][]byte{
		"an incomplete OGG": []byte("OggS"), "an incomplete RIFF": []byte("RIFF\x00\x00\x00\x00WA"), "an incomplete MP4": []byte("\x00\x00\x00\x18ftypM4"),
		"a QuickTime video": []byte("\x00\x00\x00\x18ftypqt  \x00\x00\x00\x00"), "0xff": {0xff}, "0xff 0xff": {0xff, 0xff}, "0xff 0xfb": {0xff, 0xfb},
		"an MP3 without a bit rate": {0xff, 0xfb, 0x00, 0xc4}, "an unknown AMR": []byte("#!AMX\n"), "EBML": []byte("\x1a\x45\xdf\xa3 webm"),
	} {
		if got := a.upload("a.mp3", "audio/mpeg", content); got.status != 415 {
			t.Errorf("%s: got %d %s, want 415", what, got.status, got.raw)
		}
	}
	if got := d.get("/uploads/" + strings.Repeat("a", 32) + ".exe"); got.status != 404 {
		t.Errorf("got %d, want 404", got.status)
	}
}
