package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"roomlog/domain"
)

// browserLogin is the middleware for the sign-in of the browser app. The browser app sends the header Authorization
// with every request ("Bearer null" without a token). Other clients do not send this header to the sign-in.
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
	body, err := s.readObject(w, r)
	if err != nil {
		return signedIn{}, err
	}
	var in credentials
	if err := decodeBody(body, &in.Body, "the body must be a JSON object with username and password"); err != nil {
		return signedIn{}, err
	}
	return s.login(ctx, &in)
}

// documentBrowserLogin adds the response envelope of the browser app to the documentation of the sign-in.
func documentBrowserLogin(o *huma.Operation, schemas huma.Registry) {
	schema := o.Responses["200"].Content["application/json"].Schema
	o.Responses["200"].Content["application/json"].Schema = &huma.Schema{
		Description: "The second form is the response to a request with the header Authorization.",
		OneOf:       []*huma.Schema{schema, schemas.Schema(typeOf[browserEnvelope](), true, "")},
	}
	o.Responses["200"].Content["application/json"].Examples = map[string]*huma.Example{
		"browser":         {Value: browserEnvelope{Code: http.StatusOK, Data: exampleToken}},
		"browser_refused": {Value: browserEnvelope{Code: http.StatusBadRequest, Message: chinese[codeCredentials]}},
	}
}

func documentIncrementAge(o *huma.Operation, _ huma.Registry) {
	example := func(code int, text string) *huma.Example {
		return &huma.Example{Value: browserEnvelope{Code: code, Message: text}}
	}
	o.Responses["200"].Content["application/json"].Examples = map[string]*huma.Example{
		"ok": example(http.StatusOK, textAdded), "no_header": example(browserCodeSignInFirst, textSignInFirst),
		"token_invalid": example(http.StatusUnauthorized, domain.CodeTokenInvalid.Chinese()), "refused": example(http.StatusBadRequest, textNotAdded),
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
