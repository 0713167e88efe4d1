package broadcasts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"

	"roomlog/domain"
	"roomlog/eventstore/cluster"
	"roomlog/media/record"
	"roomlog/media/relay"
	"roomlog/projections"
)

// The topics of the surveys of Nodes.
const (
	topicURL       = "media.url"       // asks for the internal URL of the node that the request names
	topicRecording = "media.recording" // asks for the node that has the recording FOLDER/ID that the request names
)

const (
	recordingLife = time.Minute     // time for which the node of a recording is remembered
	absentLife    = 5 * time.Second // time for which it is remembered that no node has a recording
	maxRemembered = 1000            // maximum number of recordings whose nodes are remembered
)

// Nodes finds the nodes that have streams and recordings, and announces the internal URL of this node. It works without a media
// server, too, and is safe for concurrent use.
type Nodes struct {
	cluster *cluster.Cluster
	queries *projections.Queries
	url     string
	now     func() time.Time

	mu   sync.Mutex
	urls map[string]string // URLs of nodes that have replied; they never change

	recordings *lru.Cache[string, recordingNode]
	group      singleflight.Group
}

// recordingNode is what is known about the node of a recording.
type recordingNode struct {
	at     time.Time
	origin relay.Origin // the zero Origin: no node has the recording
}

// NewNodes returns Nodes. url is the internal URL of this node; "" if it serves no other nodes.
func NewNodes(c *cluster.Cluster, queries *projections.Queries, url string, now func() time.Time) *Nodes {
	recordings, err := lru.New[string, recordingNode](maxRemembered)
	if err != nil {
		panic("broadcasts: " + err.Error()) // cannot happen: the size is positive
	}
	return &Nodes{cluster: c, queries: queries, url: url, now: now, urls: make(map[string]string), recordings: recordings}
}

// nodeURL is the internal URL of a node, in the reply to a survey.
type nodeURL struct {
	Node string `json:"node"`
	URL  string `json:"url"`
}

// Answer replies to the surveys of other nodes until stop is called. recorder may be nil.
func (n *Nodes) Answer(recorder *record.Recorder) (stop func()) {
	self := nodeURL{n.cluster.Node(), n.url}
	reply := func(found bool) ([]byte, error) {
		all := []nodeURL{}
		if found {
			all = append(all, self)
		}
		return json.Marshal(all)
	}
	stopURL := n.cluster.OnSurvey(topicURL, func(_ context.Context, node []byte) ([]byte, error) { return reply(string(node) == self.Node) })
	stopRecording := n.cluster.OnSurvey(topicRecording, func(_ context.Context, name []byte) ([]byte, error) {
		folder, id, _ := strings.Cut(string(name), "/")
		return reply(recorder != nil && recorder.Has(folder, id))
	})
	return func() {
		stopURL()
		stopRecording()
	}
}

// Origin returns the other node with the publisher of a stream, as the log names it. It returns relay.ErrNoOrigin if no other node has
// the publisher.
func (n *Nodes) Origin(ctx context.Context, key string) (relay.Origin, error) {
	live, err := n.queries.LiveByStreamKey(ctx, key)
	switch node := live.Broadcast.Node; {
	case errors.Is(err, projections.ErrNotFound), err == nil && (node == "" || node == n.cluster.Node()):
		return relay.Origin{}, relay.ErrNoOrigin
	case err != nil:
		return relay.Origin{}, err
	}
	url, err := n.urlOf(ctx, live.Broadcast.Node)
	return relay.Origin{Node: live.Broadcast.Node, URL: url}, err
}

// urlOf returns the internal URL of a node, or "" if it has none.
func (n *Nodes) urlOf(ctx context.Context, node string) (string, error) {
	n.mu.Lock()
	url, known := n.urls[node]
	n.mu.Unlock()
	if known {
		return url, nil
	}
	found, err, _ := n.group.Do("node "+node, func() (any, error) {
		return survey[nodeURL](context.WithoutCancel(ctx), n.cluster, topicURL, node) // other callers wait for it, too
	})
	if err != nil {
		return "", err
	}
	all, _ := found.([]nodeURL)
	if len(all) == 0 {
		return "", fmt.Errorf("broadcasts: node %s does not reply", node)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.urls) >= maxRemembered {
		clear(n.urls) // the names of processes that have ended
	}
	n.urls[node] = all[0].URL
	return all[0].URL, nil
}

// Recording returns another node that has the files of a recording. It returns relay.ErrNoOrigin if no node that serves
// other nodes has them. It returns another error if no such node is known because a member of the cluster did not reply in
// time.
func (n *Nodes) Recording(ctx context.Context, folder string, id domain.RecordingID) (relay.Origin, error) {
	name := folder + "/" + string(id)
	known, found := n.recordings.Get(name)
	life := recordingLife
	if known.origin == (relay.Origin{}) {
		life = absentLife
	}
	if !found || n.now().Sub(known.at) > life {
		answer, err, _ := n.group.Do("recording "+name, func() (any, error) {
			return n.findRecording(context.WithoutCancel(ctx), name) // other callers wait for it, too
		})
		if err != nil {
			return relay.Origin{}, err
		}
		known, _ = answer.(recordingNode)
		n.recordings.Add(name, known)
	}
	if known.origin == (relay.Origin{}) {
		return relay.Origin{}, relay.ErrNoOrigin
	}
	return known.origin, nil
}

// findRecording asks all nodes for a recording.
func (n *Nodes) findRecording(ctx context.Context, name string) (recordingNode, error) {
	all, missing, err := surveyMembers[nodeURL](ctx, n.cluster, topicRecording, name)
	switch {
	case err != nil:
		return recordingNode{}, err
	case len(all) == 0 && len(missing) > 0:
		return recordingNode{}, fmt.Errorf("broadcasts: recording %s not found, and the nodes %s do not reply", name, strings.Join(missing, ", "))
	}
	known := recordingNode{at: n.now()}
	for _, one := range all {
		if one.URL != "" && one.Node != n.cluster.Node() {
			known.origin = relay.Origin{Node: one.Node, URL: one.URL}
		}
	}
	return known, nil
}

// ForgetRecording drops the cached node of a recording, because that node could not be reached. The next request asks all nodes.
func (n *Nodes) ForgetRecording(folder, id string) { n.recordings.Remove(folder + "/" + id) }
