package serve

import "testing"

// TestCoverURL checks the addresses of covers. The address of an upload must not be a path at the listener for players,
// which has no uploads. A cover at another host has no address, because the server would redirect to it.
func TestCoverURL(t *testing.T) {
	const upload, elsewhere = "/uploads/5f0c2a77e1d24f5f.jpg", "https://pictures.example/a.jpg"
	for _, test := range []struct{ public, cover, want string }{
		{"", upload, ""},
		{"https://live.example/", upload, "https://live.example" + upload},
		{"https://live.example", "https://live.example" + upload, "https://live.example" + upload},
		{"", elsewhere, ""},
		{"https://live.example", elsewhere, ""},
		{"https://live.example", "", ""},
	} {
		var c config
		c.api.PublicURL = test.public
		if got := c.coverURL(test.cover); got != test.want {
			t.Errorf("with the public URL %q, the cover %q is %q, want %q", test.public, test.cover, got, test.want)
		}
	}
}
