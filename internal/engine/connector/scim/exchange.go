package scim

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/web"
)

const (
	// maxBody bounds an answer, unpacked.
	maxBody = 32 << 20
	// maxTrusted bounds what is made room for before anything of an answer came.
	maxTrusted = 64 << 10
	// maxIDLength bounds ids that are believed.
	maxIDLength = 1024

	contentType = "application/scim+json"
)

// request is one HTTP request to the server.
type request struct {
	method   string
	endpoint string // "Users"
	id       string
	query    url.Values
	body     any
	version  string // for If-Match
}

func (r request) writes() bool { return r.method != http.MethodGet }

// response is an answer of any status.
type response struct {
	request request
	status  int
	header  http.Header
	body    []byte
	secrets []string // that must not show in errors
}

func (r response) ok() bool { return r.status >= 200 && r.status < 300 }

// do sends one request, once. The error is a *connector.Error, and says that
// there was no whole answer; of what class it is depends on whether a write
// may have arrived.
func (t *target) do(ctx context.Context, r request) (response, error) {
	out := response{request: r}
	var body io.Reader
	if r.body != nil {
		encoded, err := marshal(r.body)
		if err != nil {
			return out, rejected(codeInternal, "the request cannot be written as JSON", err)
		}
		body = bytes.NewReader(encoded)
	}
	ctx, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	// Until a connection was had, nothing can have arrived.
	var connected atomic.Bool
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	message, err := http.NewRequestWithContext(traced, r.method, t.url(r), body)
	if err != nil {
		return out, rejected(codeInternal, fmt.Sprintf("%s %s has an address that is no URL", r.method, r.endpoint), nil)
	}
	message.Header.Set("Accept", "application/scim+json, application/json")
	if t.userAgent != "" {
		message.Header.Set("User-Agent", t.userAgent)
	}
	if body != nil {
		message.Header.Set("Content-Type", contentType)
	}
	if r.version != "" {
		message.Header.Set("If-Match", r.version)
	}
	for name, value := range t.dialect.Headers {
		message.Header.Set(name, value)
	}
	answer, err := t.client.Do(message)
	if err != nil {
		return out, t.failure(err, r, connected.Load())
	}
	defer func() { _ = answer.Body.Close() }()
	out.status, out.header, out.secrets = answer.StatusCode, answer.Header, web.Secrets(answer.Request)
	out.body, err = readBody(answer)
	if err != nil {
		if !r.writes() || out.ok() {
			return out, t.failure(err, r, true)
		}
		// A refusal whose reason was cut off is a refusal.
	}
	if len(out.body) > maxBody {
		detail := fmt.Sprintf("the answer to %s %s is larger than %d MiB", r.method, r.endpoint, maxBody>>20)
		return out, incompatible(r, detail, "")
	}
	if t.throttled(out) {
		return out, t.throttle(out)
	}
	return out, nil
}

// readBody reads an answer's body, and of one that is too long one byte too many.
func readBody(answer *http.Response) ([]byte, error) {
	var out bytes.Buffer
	if n := answer.ContentLength; n > 0 {
		out.Grow(int(min(n, maxTrusted)) + bytes.MinRead) // with the room that ReadFrom wants
	}
	_, err := out.ReadFrom(io.LimitReader(answer.Body, maxBody+1))
	return out.Bytes(), err
}

// url gives the address. The base's query goes along as it was written.
func (t *target) url(r request) string {
	var out strings.Builder
	base := *t.base
	base.RawQuery = ""
	out.WriteString(base.String())
	out.WriteByte('/')
	out.WriteString(r.endpoint)
	if r.id != "" {
		out.WriteByte('/')
		out.WriteString(url.PathEscape(r.id))
	}
	query := t.base.RawQuery
	if encoded := r.query.Encode(); encoded != "" {
		if query != "" {
			query += "&"
		}
		query += encoded
	}
	if query != "" {
		out.WriteByte('?')
		out.WriteString(query)
	}
	return out.String()
}

// failure classifies an exchange that gave no whole answer. sent tells that
// the request may have arrived.
func (t *target) failure(err error, r request, sent bool) *connector.Error {
	exchange := web.Exchange{Request: r.method + " " + r.endpoint, Address: t.base, Setting: "base_url"}
	return exchange.Failure(err, sent && r.writes())
}
