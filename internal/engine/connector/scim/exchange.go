package scim

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
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
)

// request is one HTTP request to the server.
type request struct {
	method   string
	endpoint string // "Users"
	id       string
	query    url.Values
	url      *url.URL // of the above, where it is at hand
	body     []byte   // nil for none
	version  string   // for If-Match
	expected expectation
}

func (r request) writes() bool { return r.method != http.MethodGet }

// response is an answer of any status.
type response struct {
	request request
	status  int
	header  http.Header
	body    string
	made    string        // id of the account, when the answer is as expected; there is no body then
	sent    *http.Request // as it went out in the end; nil: it is not known
}

func (r response) ok() bool { return r.status >= 200 && r.status < 300 }

// redacted takes the secrets out of a text that the server sent back.
func (r response) redacted(text string) string {
	for _, secret := range web.Secrets(r.sent) {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "[redacted]")
		}
	}
	return text
}

// do sends one request, once. The error is a *connector.Error, and says that
// there was no whole answer; of what class it is depends on whether a write
// may have arrived.
func (t *target) do(ctx context.Context, r request) (response, error) {
	out := response{request: r}
	ctx, cancel := t.patience.bound(ctx, t.timeout)
	defer cancel()
	// Until a connection was had, nothing can have arrived.
	var connected atomic.Bool
	if r.writes() {
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
			GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
		})
	}
	answer, err := t.send(ctx, r)
	if err != nil {
		return out, t.failure(err, r, connected.Load())
	}
	defer func() { _ = answer.Body.Close() }()
	out.status, out.header, out.sent = answer.StatusCode, answer.Header, answer.Request
	if err = out.read(answer); err != nil {
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

// send sends the message of a request. One that writes is never redirected.
func (t *target) send(ctx context.Context, r request) (*http.Response, error) {
	message := t.message(ctx, r)
	if r.writes() {
		return web.Send(t.client.Transport, message)
	}
	return t.client.Do(message)
}

// maxScratch bounds an answer that is read without room of its own.
const maxScratch = 16 << 10

// scratch is what an answer is read through.
type scratch struct {
	room     [maxScratch]byte
	unpacker gzip.Reader
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// body gives an answer's body. headers asks for gzip, so that it is for us to unpack.
func (s *scratch) body(answer *http.Response) io.Reader {
	if !strings.EqualFold(answer.Header.Get("Content-Encoding"), "gzip") {
		return answer.Body
	}
	if err := s.unpacker.Reset(answer.Body); err != nil {
		return unreadable{err}
	}
	return &s.unpacker
}

// unreadable is a body that is not as its header says.
type unreadable struct{ err error }

func (u unreadable) Read([]byte) (int, error) { return 0, u.err }

// read reads the body, and of one that is too long one byte too many.
func (r *response) read(answer *http.Response) error {
	scratch := scratches.Get().(*scratch)
	defer scratches.Put(scratch)
	body, room := scratch.body(answer), scratch.room[:]
	for n := 0; n < len(room); {
		more, err := body.Read(room[n:])
		n += more
		switch {
		case err == nil:
			continue
		case err == io.EOF:
			err = nil
			if r.ok() {
				r.made = r.request.expected.idIn(room[:n])
			}
		}
		if r.made == "" {
			r.body = string(room[:n])
		}
		return err
	}
	var out strings.Builder
	out.Grow(int(max(min(answer.ContentLength, maxTrusted), 2*maxScratch)))
	out.Write(room)
	_, err := io.CopyBuffer(&out, io.LimitReader(body, maxBody+1-maxScratch), room)
	r.body = out.String()
	return err
}

// message gives the request as it is sent. What writes has a header of its own, as
// web.Send wants it; its values, as the header of what reads, are only read.
func (t *target) message(ctx context.Context, r request) *http.Request {
	message := http.Request{Method: r.method, URL: t.url(r), Host: t.base.Host, Header: t.header}
	if body := r.body; body != nil {
		message.Header = t.headerOfBodies
		message.ContentLength = int64(len(body))
		// Of these net/http knows that they are in memory, and sends the head with them.
		message.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
		message.Body, _ = message.GetBody()
	}
	if r.writes() {
		message.Header = maps.Clone(message.Header)
		if r.version != "" && message.Header["If-Match"] == nil {
			message.Header["If-Match"] = []string{r.version}
		}
	}
	return message.WithContext(ctx)
}

// url gives the address. The base's query goes along as it was written.
func (t *target) url(r request) *url.URL {
	if r.url != nil {
		return r.url
	}
	path := "/" + r.endpoint
	escaped := path
	if r.id != "" {
		path += "/" + r.id
		escaped += "/" + url.PathEscape(r.id)
	}
	out := *t.base
	out.Path += path
	if out.RawPath != "" || escaped != path {
		out.RawPath = t.base.EscapedPath() + escaped
	}
	if len(r.query) > 0 {
		if out.RawQuery != "" {
			out.RawQuery += "&"
		}
		out.RawQuery += r.query.Encode()
	}
	return &out
}

// headers gives what stands in the head of each request, and what in that of one
// with a body. It asks for gzip as the transport would, which makes a header of its own
// for that.
func headers(dialect Dialect, userAgent string) (plain, ofBodies http.Header) {
	out := http.Header{"Accept": {"application/scim+json, application/json"}, "Accept-Encoding": {"gzip"}}
	if userAgent != "" {
		out.Set("User-Agent", userAgent)
	}
	for name, value := range dialect.Headers {
		out.Set(name, value)
	}
	ofBodies = http.Header{"Content-Type": {"application/scim+json"}}
	maps.Copy(ofBodies, out)
	return out, ofBodies
}

// failure classifies an exchange that gave no whole answer. sent tells that
// the request may have arrived.
func (t *target) failure(err error, r request, sent bool) *connector.Error {
	exchange := web.Exchange{Request: r.method + " " + r.endpoint, Address: t.base, Setting: "base_url"}
	return exchange.Failure(err, sent && r.writes())
}
