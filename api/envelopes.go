package api

import (
	"encoding/json"
	"net/http"
)

// success is the envelope of a successful response.
type success[T any] struct {
	Msg  string `json:"msg" enum:"ok"`
	Data T      `json:"data"`
}

// browserEnvelope is the response envelope of the browser app. The HTTP status is always 200; the field Code contains
// the outcome.
type browserEnvelope struct {
	Code    int    `json:"code" enum:"200,400,401,-200" doc:"200, or another code with a message"`
	Data    string `json:"data,omitempty" doc:"the token"`
	Message string `json:"message,omitempty"`
}

// The codes and texts that the browser app expects.
const (
	browserCodeSignInFirst = -200

	textSignInFirst = "请登录~"
	textAdded       = "添加成功~"
	textNotAdded    = "添加失败~"
)

func writeBrowserEnvelope(w http.ResponseWriter, e browserEnvelope) { writeJSON(w, http.StatusOK, e) }

// exampleToken has the form of a token.
const exampleToken = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.c2ln"

// chatSuccess is the envelope of a successful response to the chat pages. Its code is 0.
type chatSuccess[T any] struct {
	Code int `json:"code" enum:"0"`
	Data T   `json:"data"`
}

// chatFailure is the envelope of a failed response to the chat pages. Its code is 1, and the HTTP status is 200.
type chatFailure struct {
	Code   int    `json:"code" enum:"1"`
	Error  string `json:"error" example:"参数错误" doc:"for people, in Chinese"`
	TextEN string `json:"text_en" example:"name must not be empty" doc:"for people, in English"`
}

func newChatFailure(f *failure) chatFailure { return chatFailure{1, f.Data, f.TextEN} }

func writeChatRefusal(w http.ResponseWriter, _ *http.Request, f *failure) {
	writeJSON(w, http.StatusOK, newChatFailure(f))
}

// plainRefusal writes a refusal in the failure envelope.
func plainRefusal(w http.ResponseWriter, _ *http.Request, f *failure) { writeFailure(w, f) }

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // fails only if the client has disconnected
}

func writeFailure(w http.ResponseWriter, f *failure) {
	for name, values := range f.GetHeaders() {
		w.Header()[name] = values
	}
	writeJSON(w, f.status, f)
}
