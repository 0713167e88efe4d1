package native_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	"roomlog/projections"
	"roomlog/realtime/native"
)

// serveCentrifugo runs the program, which is Centrifugo, until the input of this process ends. Facts are published with
// its HTTP API. Its engine is in memory: it stores nothing.
func serveCentrifugo(program string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	addr := l.Addr().(*net.TCPAddr)
	_ = l.Close()
	server := exec.Command(program)
	server.Env = append(os.Environ(),
		"CENTRIFUGO_HTTP_SERVER_ADDRESS="+addr.IP.String(), fmt.Sprint("CENTRIFUGO_HTTP_SERVER_PORT=", addr.Port),
		"CENTRIFUGO_HTTP_API_INSECURE=true", "CENTRIFUGO_CLIENT_INSECURE=true", "CENTRIFUGO_LOG_LEVEL=error",
		"CENTRIFUGO_CLIENT_PING_INTERVAL=1h", "CENTRIFUGO_HEALTH_ENABLED=true")
	server.Stderr = os.Stderr
	server.Dir = os.TempDir() // without a configuration file
	if err := server.Start(); err != nil {
		panic(err)
	}
	defer func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	}()
	at := "http://" + addr.String()
	for !centrifugoHas(at+"/health", nil) {
		<-time.After(10 * time.Millisecond)
	}
	fmt.Println(addr)
	var last int64
	publisher{target: target{
		tell: func(d projections.Delta) {
			body, _ := json.Marshal(map[string]any{"channel": "live", "data": json.RawMessage(native.EncodeFact(d, last))})
			last = d.Position
			if !centrifugoHas(at+"/api/publish", body) {
				panic("Centrifugo has refused a publication")
			}
		},
		people:  func() int { return 1 << 20 }, // a client is connected when its subscription has been confirmed
		process: server.Process.Pid,
	}}.direct()
}

// centrifugoHas sends a request and reports whether it succeeded. A request with a body is a POST.
func centrifugoHas(url string, body []byte) bool {
	method := http.MethodGet
	if body != nil {
		method = http.MethodPost
	}
	request, err := http.NewRequest(method, url, bytes.NewReader(body))
	if err != nil {
		panic(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	return err == nil && response.StatusCode == http.StatusOK && !strings.Contains(string(text), `"error"`)
}

// enterCentrifugo connects a client of Centrifugo and subscribes it to the channel of the live.
func enterCentrifugo(w *rawClient) error {
	if err := w.upgrade("/connection/websocket", ""); err != nil {
		return err
	}
	for _, request := range []string{`{"id":1,"connect":{}}`, `{"id":2,"subscribe":{"channel":"live"}}`} {
		if err := w.say(request); err != nil {
			return err
		}
		_, payload, err := w.frame()
		if err != nil {
			return err
		}
		if strings.Contains(string(payload), `"error"`) {
			return fmt.Errorf("Centrifugo replied %s to %s", payload, request)
		}
	}
	w.each = `{"push":`
	return nil
}
