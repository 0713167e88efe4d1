package anchor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"roomlog/internal/netconn"
	"roomlog/internal/settings"
	"roomlog/internal/wait"
)

const (
	attempts       = 4 // maximum number of requests for one checkpoint
	requestTimeout = 30 * time.Second
	maxReply       = 2 << 10 // maximum number of bytes of a response that are read
	maxText        = 300     // maximum number of bytes of a response in an error
)

// Anchor stores signed checkpoints. It may store one twice.
type Anchor struct {
	file string
	url  string
}

// Open returns the anchor for a path of a file, or for a URL that begins with http:// or https://.
func Open(target string) (Anchor, error) {
	if !strings.Contains(target, "://") {
		if target == "" {
			return Anchor{}, errors.New("an anchor must be a file or a URL like https://anchor.example/roomlog")
		}
		return Anchor{file: target}, nil
	}
	if !settings.IsHTTPURL(target) {
		return Anchor{}, fmt.Errorf("an anchor must be a file or a URL like https://anchor.example/roomlog (got %q)", settings.Redact(target))
	}
	return Anchor{url: target}, nil
}

// String returns the file or the URL without secrets.
func (a Anchor) String() string {
	if a.url == "" {
		return a.file
	}
	return settings.Redact(a.url)
}

// Store stores a signed checkpoint. It returns when the checkpoint is on disk, or when the server at the URL has accepted
// it. It repeats a request a few times, but not if the server refuses the checkpoint; the error then wraps ErrRefused.
func (a Anchor) Store(ctx context.Context, signed []byte) error {
	var err error
	if a.url == "" {
		err = appendFile(a.file, signed)
	} else {
		err = Post(ctx, a.url, signed)
	}
	if err != nil {
		return fmt.Errorf("store a checkpoint at %s: %w", a, err)
	}
	return nil
}

// appendFile appends a checkpoint to a file, and creates the file if necessary. If a power failure has cut the last
// checkpoint in the file, an empty line separates it from the new one. If the file already ends with the checkpoint,
// appendFile does nothing.
func appendFile(path string, signed []byte) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err == nil && info.Size() > 0 {
		tail := make([]byte, min(info.Size(), int64(len(signed))))
		_, err = file.ReadAt(tail, info.Size()-int64(len(tail)))
		switch {
		case err != nil:
		case bytes.Equal(tail, signed):
			return errors.Join(file.Sync(), file.Close())
		case tail[len(tail)-1] != '\n':
			signed = append([]byte("\n\n"), signed...)
		}
	}
	if err == nil {
		_, err = file.Write(signed)
	}
	return errors.Join(err, file.Sync(), file.Close())
}

// ErrRefused means that the server has refused a checkpoint.
var ErrRefused = errors.New("the server has refused the checkpoint")

// Post sends a signed checkpoint to a URL, as text. It repeats the request if the server cannot be reached or has failed.
// It does not follow redirects, because most of them turn the request into a GET, which stores nothing.
func Post(ctx context.Context, to string, signed []byte) error {
	transport := netconn.NewTransport()
	defer transport.CloseIdleConnections()
	client := &http.Client{Timeout: requestTimeout, Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	backoff := wait.Backoff{Min: 200 * time.Millisecond, Max: 5 * time.Second}
	for attempt := 1; ; attempt++ {
		err := post(ctx, client, to, signed)
		if err == nil || errors.Is(err, ErrRefused) || attempt == attempts || !backoff.Wait(ctx) {
			return err
		}
	}
}

func post(ctx context.Context, client *http.Client, to string, signed []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(signed))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "text/plain; charset=utf-8")
	response, err := client.Do(r)
	if err != nil {
		if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
			err = wrapped.Err // the URL may contain a secret
		}
		return err
	}
	defer response.Body.Close()
	reply, _ := io.ReadAll(io.LimitReader(response.Body, maxReply))
	switch status := response.StatusCode; {
	case status < http.StatusMultipleChoices:
		return nil
	case status < http.StatusInternalServerError && status != http.StatusTooManyRequests && status != http.StatusRequestTimeout:
		return fmt.Errorf("%w: %s %s", ErrRefused, response.Status, explanation(reply))
	}
	return fmt.Errorf("%s %s", response.Status, explanation(reply))
}

// explanation returns the code and the text in a refusal of roomlog, or the beginning of another response.
func explanation(reply []byte) string {
	var refusal struct {
		Code   string `json:"code"`
		TextEN string `json:"text_en"`
	}
	if json.Unmarshal(reply, &refusal) == nil && refusal.Code != "" && refusal.TextEN != "" {
		return fmt.Sprintf("(%.100q, %.300q)", refusal.Code, refusal.TextEN)
	}
	return fmt.Sprintf("%q", reply[:min(len(reply), maxText)])
}
