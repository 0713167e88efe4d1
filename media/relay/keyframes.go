package relay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"
)

const (
	frameLife  = 5 * time.Second // time for which a key frame is used
	maxFrames  = 64              // maximum number of key frames that are kept
	fetchLimit = 4 * time.Second // maximum time for a key frame to arrive
)

// keyFrames fetches the newest key frames of streams at other nodes, once for all requests of some seconds.
type keyFrames struct {
	cfg   Config
	kept  *lru.Cache[string, keyFrame]
	group singleflight.Group
}

type keyFrame struct {
	at   time.Time
	file []byte
	err  error
}

func newKeyFrames(c Config) *keyFrames {
	kept, err := lru.New[string, keyFrame](maxFrames)
	if err != nil {
		panic("relay: " + err.Error()) // cannot happen: the size is positive
	}
	return &keyFrames{cfg: c, kept: kept}
}

// get returns an FLV file with the newest key frame of a stream. Do not change it.
func (k *keyFrames) get(ctx context.Context, key string) ([]byte, error) {
	if kept, found := k.kept.Get(key); found && k.cfg.Now().Sub(kept.at) < frameLife {
		return kept.file, kept.err
	}
	result := k.group.DoChan(key, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchLimit) // other requests wait for it, too
		defer cancel()
		file, err := k.fetch(ctx, key)
		if err == nil || errors.Is(err, ErrNoOrigin) {
			k.kept.Add(key, keyFrame{k.cfg.Now(), file, err})
		}
		return file, err
	})
	select {
	case r := <-result:
		file, _ := r.Val.([]byte)
		return file, r.Err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (k *keyFrames) fetch(ctx context.Context, key string) ([]byte, error) {
	origin, err := k.cfg.Origins.Origin(ctx, key)
	if err == nil && origin.URL == "" {
		err = ErrNoOrigin
	}
	if err != nil {
		return nil, err
	}
	r, err := newRequest(ctx, k.cfg.Signer, k.cfg.Node, origin, Path+key+keyFrameSuffix)
	if err != nil {
		return nil, err
	}
	response, err := k.cfg.Client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("relay: fetch a key frame: %w", err)
	}
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return nil, ErrNoOrigin
	default:
		return nil, statusError(response.StatusCode)
	}
	file, err := io.ReadAll(io.LimitReader(response.Body, maxTag+1))
	if err == nil && len(file) > maxTag {
		err = errMalformed
	}
	return file, err
}
