package media_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"time"

	"roomlog/media"
)

// privateStreams is an Authorizer that checks signs. It refuses to play one stream.
type privateStreams struct {
	media.SignAuthorizer
	private string // key of the stream that it refuses
}

func (a privateStreams) AuthorizePlay(ctx context.Context, r media.PlayRequest) error {
	if r.Key == a.private {
		return errors.New("this stream is private")
	}
	return a.SignAuthorizer.AuthorizePlay(ctx, r)
}

// A server serves streams over HTTP while Run runs. An Authorizer refuses what it does not allow.
func ExampleServer() {
	signer, err := media.NewSigner([]string{"at-least-sixteen-bytes"}, 0, time.Now)
	if err != nil {
		fmt.Println(err)
		return
	}
	server, err := media.New(media.Config{
		Authorizer: privateStreams{media.SignAuthorizer{Signer: signer}, "backstage"},
		Now:        time.Now,
		Log:        slog.New(slog.DiscardHandler),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ended := make(chan error)
	go func() { ended <- server.Run(ctx) }()
	web := httptest.NewServer(server)

	for _, key := range []string{"backstage", "concert"} {
		response, err := http.Get(web.URL + "/live/" + key + "/index.m3u8?sign=" + signer.Play(key))
		if err != nil {
			fmt.Println(err)
			return
		}
		_ = response.Body.Close()
		fmt.Println(key, response.StatusCode)
	}

	web.Close()
	stop()
	fmt.Println(<-ended)
	// Output:
	// backstage 403
	// concert 404
	// <nil>
}

// A play sign does not permit publishing. A publish sign permits both.
func ExampleSigner() {
	now := func() time.Time { return time.Unix(1_600_000_000, 0) }
	signer, err := media.NewSigner([]string{"at-least-sixteen-bytes"}, time.Hour, now)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(signer.Verify(media.ScopePlay, "KEY", signer.Play("KEY")))
	fmt.Println(signer.Verify(media.ScopePublish, "KEY", signer.Play("KEY")))
	fmt.Println(signer.Verify(media.ScopePlay, "KEY", signer.Publish("KEY")))
	// Output:
	// <nil>
	// media: wrong sign
	// <nil>
}
