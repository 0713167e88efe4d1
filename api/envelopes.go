package api

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"roomlog/domain"
)

// coded is the envelope of the browser app: always HTTP 200, the outcome in code.
type coded struct {
	Code    int    `json:"code" doc:"200, or another one with a message"`
	Data    string `json:"data,omitempty" doc:"the token"`
	Message string `json:"message,omitempty"`
}

// codedLogin signs the browser app in. It sends Authorization with every request, "Bearer null"
// before it has a token: so that header is how it is told from other clients.
func (s *server) codedLogin(ctx huma.Context, next func(huma.Context)) {
	r, w := humachi.Unwrap(ctx)
	if r.Header.Get("Authorization") == "" {
		next(ctx)
		return
	}
	var in credentials
	body, err := s.readBody(w, r, s.BodyBytes, s.BodyTimeout)
	if err == nil && json.Unmarshal(body, &in.Body) != nil {
		err = badRequest("the body is no JSON object with username and password")
	}
	var out signedIn
	if err == nil {
		ctx, cancel := context.WithTimeout(r.Context(), s.RequestTimeout)
		defer cancel()
		out, err = s.login(ctx, &in)
	}
	if err != nil {
		writeJSON(w, http.StatusOK, coded{Code: http.StatusBadRequest, Message: s.failed(r.Context(), err, nil).Data})
		return
	}
	writeJSON(w, http.StatusOK, coded{Code: http.StatusOK, Data: out.Token})
}

// documentCoded adds the second form of an answer to an operation.
func documentCoded(o *huma.Operation, schemas huma.Registry) {
	schema := o.Responses["200"].Content["application/json"].Schema
	o.Responses["200"].Content["application/json"].Schema = &huma.Schema{
		Description: "with a header Authorization the second form",
		OneOf:       []*huma.Schema{schema, schemas.Schema(typeOf[coded](), true, "")},
	}
}

// Codes and texts of the browser app.
const (
	codedSignInFirst = -200

	textSignInFirst = "请登录~"
	textAdded       = "添加成功~"
	textNotAdded    = "添加失败~"
)

// growOlder adds a year to the age of whoever asks.
func (s *server) growOlder(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") == "" {
		writeJSON(w, http.StatusOK, coded{Code: codedSignInFirst, Message: textSignInFirst})
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), s.RequestTimeout)
	defer cancel()
	c, err := person(ctx)
	if err == nil {
		_, err = s.execute(ctx, c, domain.IncrementAge{})
	}
	if err == nil {
		writeJSON(w, http.StatusOK, coded{Code: http.StatusOK, Message: textAdded})
		return
	}
	if failure := s.failed(ctx, err, nil); failure.status == http.StatusUnauthorized {
		writeJSON(w, http.StatusOK, coded{Code: failure.status, Message: failure.Data})
		return
	}
	writeJSON(w, http.StatusOK, coded{Code: http.StatusBadRequest, Message: textNotAdded})
}
