package relay

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"

	"roomlog/media"
	"roomlog/media/record"
)

// Recordings serves the recordings of other nodes: it passes requests on to the node that has the files, and that node checks the
// right of the viewer again. It is safe for concurrent use.
type Recordings struct {
	Node   string // name of this node
	Signer *media.Signer
	Client *http.Client
	// Find returns another node that has a recording, or ErrNoOrigin.
	Find func(ctx context.Context, folder, id string) (Origin, error)
	// Forget is called when the node of a recording could not be reached.
	Forget func(folder, id string)
	Log    *slog.Logger
}

// passedHeaders are the headers of a request that matter for a file. No others are passed on.
var passedHeaders = []string{"Range", "If-Range", "If-None-Match", "If-Modified-Since", "Accept-Encoding"}

// Serve serves a file of a recording to a viewer who has the right to play it. It returns record.ErrNotFound if no other node has the
// recording, and an error if that node cannot be reached. In both cases it has written nothing.
func (s *Recordings) Serve(w http.ResponseWriter, r *http.Request, folder, id, file string) error {
	origin, err := s.Find(r.Context(), folder, id)
	if errors.Is(err, ErrNoOrigin) {
		return record.ErrNotFound
	}
	if err != nil {
		return err
	}
	target, err := url.Parse(strings.TrimRight(origin.URL, "/"))
	if err != nil {
		return err
	}
	path := Path + recordings + folder + "/" + id + "/" + file
	var failed error
	proxy := httputil.ReverseProxy{
		Rewrite: func(out *httputil.ProxyRequest) {
			header := make(http.Header)
			for _, name := range passedHeaders {
				if value := out.In.Header.Get(name); value != "" {
					header.Set(name, value)
				}
			}
			header.Set(headerSign, s.Signer.Relay(path, s.Node, origin.Node))
			out.Out.Header, out.Out.Host = header, ""
			out.Out.URL = &url.URL{Scheme: target.Scheme, Host: target.Host, Path: path, RawQuery: url.Values{"sign": {out.In.URL.Query().Get("sign")}}.Encode()}
		},
		ModifyResponse: func(response *http.Response) error {
			for name := range response.Header {
				if strings.HasPrefix(name, "Access-Control-") {
					response.Header.Del(name) // this node sets its own
				}
			}
			if response.StatusCode == http.StatusTooManyRequests {
				return statusError(response.StatusCode)
			}
			return nil
		},
		Transport:    s.Client.Transport,
		ErrorHandler: func(_ http.ResponseWriter, _ *http.Request, err error) { failed = err },
		ErrorLog:     slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug), // nodes that disconnect in the middle of a file
	}
	proxy.ServeHTTP(w, r)
	var refused statusError
	if failed != nil && !errors.As(failed, &refused) && r.Context().Err() == nil { // the viewer waits, and the node did not respond
		s.Forget(folder, id)
	}
	return failed
}
