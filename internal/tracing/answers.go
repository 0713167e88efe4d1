package tracing

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
)

// maxResponse is the maximum size of a response in bytes.
const maxResponse = 64 << 10

var (
	errRejected  = errors.New("the collector has rejected some of the spans")
	errMalformed = errors.New("the collector has sent no valid response")
)

// answers is the transport to the collector. It passes on only the status and the header Retry-After of a response. A
// collector may repeat the secret headers of a request in any other part, and the library puts the body into its errors.
type answers struct {
	*http.Transport
	rejected int64 // number of spans that the collector has rejected in the last response. Only one request is sent at a time
}

// RoundTrip sends a request to the collector. The response that it returns has only the status and the header
// Retry-After.
func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	a.rejected = 0
	response, err := a.Transport.RoundTrip(r)
	if err != nil {
		if strings.Contains(err.Error(), "malformed") { // the error of net/http may quote the response
			return nil, errMalformed
		}
		return nil, err //nolint:wrapcheck // the client wraps it
	}
	defer response.Body.Close()
	status := fmt.Sprint(response.StatusCode, " ", http.StatusText(response.StatusCode))
	known := &http.Response{
		Status: status, StatusCode: response.StatusCode, Proto: response.Proto, ProtoMajor: response.ProtoMajor, ProtoMinor: response.ProtoMinor,
		Header: make(http.Header), Body: http.NoBody, Request: r,
	}
	if response.StatusCode/100 != http.StatusOK/100 {
		if after := response.Header.Get("Retry-After"); after != "" {
			known.Header.Set("Retry-After", after)
		}
		known.Body = io.NopCloser(strings.NewReader(status)) // the errors of the library contain the body for some statuses only
		return known, nil
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxResponse+1))
	switch {
	case err != nil:
		return nil, err //nolint:wrapcheck // the client wraps it
	case len(body) > maxResponse:
		return nil, errMalformed
	case response.Header.Get("Content-Type") != "application/x-protobuf":
		return known, nil
	}
	var answer coltracepb.ExportTraceServiceResponse
	if proto.Unmarshal(body, &answer) != nil {
		return nil, errMalformed
	}
	a.rejected = max(0, answer.GetPartialSuccess().GetRejectedSpans())
	return known, nil
}
