package api

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"roomlog/domain"
)

// success is the envelope of a successful response.
type success[T any] struct {
	Msg  string `json:"msg" enum:"ok"`
	Data T      `json:"data"`
}

// browserEnvelope is the response envelope of the browser app. The HTTP status is always 200; Code contains the
// outcome.
type browserEnvelope struct {
	Code    int    `json:"code" doc:"200, or another code with a message"`
	Data    string `json:"data,omitempty" doc:"the token"`
	Message string `json:"message,omitempty"`
}

// Codes and texts of the browser app.
const (
	browserCodeSignInFirst = -200

	textSignInFirst = "请登录~"
	textAdded       = "添加成功~"
	textNotAdded    = "添加失败~"
)

func writeBrowserEnvelope(w http.ResponseWriter, e browserEnvelope) { writeJSON(w, http.StatusOK, e) }

// browserLogin is the middleware for the sign-in of the browser app. It recognizes that app by the header
// Authorization, which the app sends with every request ("Bearer null" without a token) and other clients do not send
// to this endpoint.
func (s *server) browserLogin(ctx huma.Context, next func(huma.Context)) {
	r, w := humachi.Unwrap(ctx)
	if r.Header.Get("Authorization") == "" {
		next(ctx)
		return
	}
	result, err := s.browserSignIn(w, r)
	if err != nil {
		writeBrowserEnvelope(w, browserEnvelope{Code: http.StatusBadRequest, Message: s.failure(r.Context(), err, nil).Data})
		return
	}
	writeBrowserEnvelope(w, browserEnvelope{Code: http.StatusOK, Data: result.Token})
}

func (s *server) browserSignIn(w http.ResponseWriter, r *http.Request) (signedIn, error) {
	ctx, cancel := context.WithTimeout(r.Context(), s.RequestTimeout)
	defer cancel()
	if err := s.rates.admit(ctx, rateSignIns); err != nil {
		return signedIn{}, err
	}
	body, err := s.readBody(w, r, s.BodyBytes, s.BodyTimeout)
	if err != nil {
		return signedIn{}, err
	}
	var in credentials
	if json.Unmarshal(body, &in.Body) != nil {
		return signedIn{}, badRequest("the body must be a JSON object with username and password")
	}
	return s.login(ctx, &in)
}

// documentBrowserLogin adds the envelope of the browser app to the documentation of the sign-in.
func documentBrowserLogin(o *huma.Operation, schemas huma.Registry) {
	schema := o.Responses["200"].Content["application/json"].Schema
	o.Responses["200"].Content["application/json"].Schema = &huma.Schema{
		Description: "The second form is the response to a request with the header Authorization.",
		OneOf:       []*huma.Schema{schema, schemas.Schema(typeOf[browserEnvelope](), true, "")},
	}
}

// incrementAge adds one year to the age of the signed-in user.
func (s *server) incrementAge(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") == "" {
		writeBrowserEnvelope(w, browserEnvelope{Code: browserCodeSignInFirst, Message: textSignInFirst})
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), s.RequestTimeout)
	defer cancel()
	if _, err := s.execute(ctx, domain.IncrementAge{}); err != nil {
		refuseIncrementAge(w, r, s.failure(ctx, err, nil))
		return
	}
	writeBrowserEnvelope(w, browserEnvelope{Code: http.StatusOK, Message: textAdded})
}

// refuseIncrementAge writes a refusal in the envelope of the browser app.
func refuseIncrementAge(w http.ResponseWriter, r *http.Request, f *failure) {
	switch {
	case r.Header.Get("Authorization") == "":
		writeBrowserEnvelope(w, browserEnvelope{Code: browserCodeSignInFirst, Message: textSignInFirst})
	case f.status == http.StatusUnauthorized:
		writeBrowserEnvelope(w, browserEnvelope{Code: f.status, Message: f.Data})
	default:
		writeBrowserEnvelope(w, browserEnvelope{Code: http.StatusBadRequest, Message: textNotAdded})
	}
}

// chatEnvelope is the response envelope of the chat pages. The HTTP status is always 200; Code contains the outcome.
type chatEnvelope[T any] struct {
	Code   int    `json:"code" enum:"0,1" doc:"0, or 1 with an error"`
	Data   T      `json:"data,omitempty"`
	Error  string `json:"error,omitempty" doc:"for people, in Chinese"`
	TextEN string `json:"text_en,omitempty" doc:"for people, in English"`
}

func writeChatRefusal(w http.ResponseWriter, _ *http.Request, f *failure) {
	writeJSON(w, http.StatusOK, chatEnvelope[any]{Code: 1, Error: f.Data, TextEN: f.TextEN})
}
