package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"roomlog/api/webhooks"
	"roomlog/cmd/roomlog/bridge"
	"roomlog/eventstore"
	"roomlog/internal/natsconn/natstest"
	"roomlog/projections"
)

// proxied is a proxy in front of a server.
type proxied struct {
	t      *testing.T
	addr   string // of HTTPS
	client *http.Client
	cert   string // file with the certificate of the proxy
}

// example returns a file of the folder deploy with replacements. Each replaced text must occur in the file.
func example(t *testing.T, name string, replace ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../deploy", name))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(replace); i += 2 {
		if !bytes.Contains(text, []byte(replace[i])) {
			t.Fatalf("%s does not contain %q", name, replace[i])
		}
	}
	return strings.NewReplacer(replace...).Replace(string(text))
}

// startProxy starts a proxy, and waits until it listens on addr. The end of the test stops it.
func startProxy(t *testing.T, addr, cert string, env []string, name string, args ...string) proxied {
	t.Helper()
	cmd := exec.Command(name, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.Env = &out, &out, append(os.Environ(), env...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-ended
		if t.Failed() {
			t.Logf("%s: %s", name, &out)
		}
	})
	eventually(t, name+" listens", func() bool {
		select {
		case <-ended:
			t.Fatalf("%s has ended: %s", name, &out)
		default:
		}
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
	client := secureClient(t, cert)
	from := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 5)}} // an address that only this client has
	client.Transport.(*http.Transport).DialContext = from.DialContext
	return proxied{t, addr, client, cert}
}

// do sends a request through the proxy, and returns the status and the body.
func (p proxied) do(method, path string, header http.Header, body io.Reader) (int, string) {
	p.t.Helper()
	request, err := http.NewRequestWithContext(p.t.Context(), method, "https://"+p.addr+path, body)
	if err != nil {
		p.t.Fatal(err)
	}
	request.Header = header
	response, err := p.client.Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		p.t.Errorf("%s %s: %v", method, path, err)
	}
	return response.StatusCode, string(text)
}

// TestProxies runs nginx and Caddy with the examples in the folder deploy in front of a server, and uses everything through them. It also
// checks that /metrics has every metric of the alerts and of the dashboard, some of which need NATS.
func TestProxies(t *testing.T) {
	t.Parallel()
	needFFmpeg(t)
	nginx, caddy := need(t, "nginx", "nginx", "/usr/sbin/nginx"), need(t, "caddy", "caddy")
	at := serve(t, []string{"ROOMLOG_NATS_URL=" + natstest.Start(t).URL}, append([]string{"--data", dataDir(t), "--hook-url", "http://127.0.0.1:1/", "--hook-failure", "allow"}, unhurried...)...)
	anna := join(t, at, "anna")
	checkMetrics(t, string(at.fetch("/metrics")))
	room := anna.read(anna.open("behind a proxy"))
	publish(t, film(t, 20), at.rtmpURL(room), "-stream_loop", "-1")
	checkTop(t, at, anna, room)
	cert, key := selfSigned(t, dataDir(t))
	players := at.port("listening for players")
	// The subtests do not run at the same time: the log tells apart which address the requests of one come from.
	t.Run("nginx", func(t *testing.T) {
		dir, plain, secure := dataDir(t), reservedAddress(t), reservedAddress(t)
		site := example(t, "nginx.conf", "127.0.0.1:7001", at.addr, "127.0.0.1:23481", players, "listen 80", "listen "+plain, "listen 443", "listen "+secure,
			"/etc/roomlog/tls/cert.pem", cert, "/etc/roomlog/tls/key.pem", key)
		temporary := ""
		for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
			temporary += kind + "_temp_path " + dir + "/" + kind + ";\n"
		}
		config := filepath.Join(dir, "nginx.conf")
		text := "daemon off; worker_processes 1; pid " + dir + "/pid; error_log stderr;\nevents {}\nhttp {\naccess_log off;\n" + temporary + site + "}\n"
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		useProxy(t, startProxy(t, secure, cert, nil, nginx, "-p", dir, "-c", config), anna, room)
	})
	t.Run("Caddy", func(t *testing.T) {
		dir, secure := dataDir(t), reservedAddress(t)
		site := example(t, "Caddyfile", "127.0.0.1:7001", at.addr, "127.0.0.1:23481", players,
			"live.example {", "https://"+secure+" {\n\ttls "+cert+" "+key)
		config := filepath.Join(dir, "Caddyfile")
		text := "{\n\tadmin off\n\tauto_https disable_redirects\n\tskip_install_trust\n}\n" + site
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		useProxy(t, startProxy(t, secure, cert, []string{"HOME=" + dir, "XDG_DATA_HOME=" + dir, "XDG_CONFIG_HOME=" + dir}, caddy, "run", "--config", config, "--adapter", "caddyfile"), anna, room)
	})
}

// useProxy uses REST, an upload, Socket.IO polling, a WebSocket, FLV and HLS through a proxy.
func useProxy(t *testing.T, p proxied, anna *person, room signedRoom) {
	t.Helper()
	if status, body := p.do(http.MethodGet, "/readyz", nil, nil); status != http.StatusOK || !strings.Contains(body, `"ready"`) {
		t.Errorf("/readyz: %d, %s", status, body)
	}
	if status, _ := p.do(http.MethodGet, "/metrics", nil, nil); status != http.StatusForbidden {
		t.Errorf("/metrics can be read through the proxy: %d", status)
	}
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	part, _ := w.CreateFormFile("file", "x.gif")
	_, _ = part.Write(append([]byte("GIF89a\x01\x00\x01\x00\x00\x00\x00"), make([]byte, 1_500_000)...)) // more than a proxy keeps in memory, or accepts by default
	_ = w.Close()
	header := http.Header{"Content-Type": {w.FormDataContentType()}, "Token": {anna.token}}
	status, body := p.do(http.MethodPost, "/api/upload", header, &form)
	var uploaded struct{ Data string }
	if err := json.Unmarshal([]byte(body), &uploaded); err != nil || status != http.StatusOK || !strings.HasPrefix(uploaded.Data, "https://"+strings.Split(p.addr, ":")[0]) {
		t.Fatalf("an upload: %d, %s", status, body)
	}
	eventually(t, "the server logs the upload with the address of the client", func() bool {
		return strings.Contains(anna.at.output(), "path=/api/upload status=200") && strings.Contains(anna.at.output(), "remote_addr=127.0.0.5 ")
	})
	if status, body := p.do(http.MethodGet, uploaded.Data[strings.Index(uploaded.Data, "/uploads/"):], nil, nil); status != http.StatusOK || len(body) != 1_500_013 {
		t.Errorf("the upload: %d, %d bytes", status, len(body))
	}
	if status, body := p.do(http.MethodGet, "/socket.io/?EIO=4&transport=polling", nil, nil); status != http.StatusOK || !strings.HasPrefix(body, `0{"sid":`) {
		t.Errorf("Socket.IO polling: %d, %s", status, body)
	}
	talkOverTLS(p.t, p.addr, p.cert, anna, room.Data.ID)
	p.playFLV(room)
	playlist := "/live/" + room.Data.Key + "/index.m3u8?sign=" + *room.Sign
	eventually(t, "a playlist", func() bool {
		status, body := p.do(http.MethodGet, playlist, nil, nil)
		return status == http.StatusOK && strings.HasPrefix(body, "#EXTM3U")
	})
}

// playFLV plays a stream whose end is far away: the proxy must not wait for it.
func (p proxied) playFLV(room signedRoom) {
	p.t.Helper()
	ctx, cancel := context.WithCancel(p.t.Context())
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+p.addr+"/live/"+room.Data.Key+".flv?sign="+*room.Sign, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	response, err := p.client.Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	first := make([]byte, 100_000)
	if n, err := io.ReadFull(response.Body, first); err != nil || !bytes.HasPrefix(first, []byte("FLV\x01")) {
		p.t.Errorf("a player has got %d bytes: %s, %v", n, response.Status, err)
	}
}

// checkTop checks that roomlog top shows the gift that is sent meanwhile, the connection of anna and her stream.
func checkTop(t *testing.T, at *process, anna *person, room signedRoom) {
	t.Helper()
	at.roomlog("gift", "add", "--name", "Rose", "--coin", "1")
	at.roomlog("coins", "credit", "--user", "1", "--amount", "1000", "--order", "top")
	s := anna.connect("")
	enter(t, s, room.Data.ID, "")
	top := exec.CommandContext(t.Context(), program(t), "top", "--every", "3s")
	top.Env = append(environment0(), "ROOMLOG_DATA="+at.data())
	var out bytes.Buffer
	top.Stdout, top.Stderr = &out, &out
	if err := top.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- top.Wait() }()
	for n := 0; ; n++ {
		select {
		case err := <-ended:
			for _, want := range []string{`(?m)^log: position \d+, \d+\.\d events/s, (\d*[1-9]\d*\.\d|0\.[1-9]) gifts/s$`, `(?m)^tables: \d+ events? behind, `,
				`(?m)^nodes: 1, 1 replied; sockets: 1$`, `(?m)^NODE +SOCKETS\n\S+ +1$`, `(?m)^1 +behind a proxy +\d+ +\d+ +\S+$`} {
				if !regexp.MustCompile(want).MatchString(out.String()) {
					t.Errorf("roomlog top does not show %s:\n%s", want, &out)
				}
			}
			if err != nil {
				t.Error(err)
			}
			s.cut()
			return
		case <-time.After(100 * time.Millisecond): // time passes: gifts are sent until roomlog top has ended
			s.must("gift.send", map[string]any{"live": room.Data.ID, "gift": 1, "num": 1}, fmt.Sprint("top-", n))
		}
	}
}

var namedMetric = regexp.MustCompile(`\b(?:roomlog|process)_[a-z0-9_]+`)

var fullName = regexp.MustCompile(`fqName: "(\w+)"`)

// registerer collects the names of the metrics that are registered.
type registerer struct {
	prometheus.Registerer
	names string
}

func (r *registerer) Register(c prometheus.Collector) error {
	described := make(chan *prometheus.Desc, 10)
	c.Describe(described)
	close(described)
	for d := range described {
		r.names += "\n" + fullName.FindStringSubmatch(d.String())[1] + " "
	}
	return nil
}

func (r *registerer) MustRegister(all ...prometheus.Collector) {
	for _, c := range all {
		_ = r.Register(c) // returns no error
	}
}

// checkMetrics checks that every metric in the alerts and the dashboard is among metrics, or is one of webhooks or of a bridge.
func checkMetrics(t *testing.T, metrics string) {
	t.Helper()
	w, err := webhooks.New(webhooks.Config{Store: new(eventstore.Store), Queries: new(projections.Queries), Keys: [][]byte{[]byte("key")}})
	if err != nil {
		t.Fatal(err)
	}
	var described registerer
	w.Register(&described) // its metrics appear with the first webhook
	new(bridge.Bridge).Register(&described)
	metrics += described.names
	metrics += "\nroomlog_replica_used \nroomlog_replica_behind_seconds " // exist with --read-url, see TestServerWithAStandby
	for _, name := range []string{"prometheus/alerts.yaml", "grafana/roomlog.json"} {
		named := namedMetric.FindAllString(example(t, name), -1)
		if len(named) < 10 {
			t.Errorf("%s names %d metrics", name, len(named))
		}
		for _, metric := range named {
			if !strings.Contains(metrics, "\n"+metric+" ") && !strings.Contains(metrics, "\n"+metric+"{") {
				t.Errorf("%s: there is no metric %s", name, metric)
			}
		}
	}
}
