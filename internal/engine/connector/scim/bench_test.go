package scim

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// echoing answers every request with what it holds and an id, without a network.
type echoing struct{}

func (echoing) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	answer := append([]byte(`{"id":"1",`), body[1:]...)
	return &http.Response{StatusCode: http.StatusCreated, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(answer)), Request: r}, nil
}

// fifteen gives as many attributes of a user.
func fifteen() []connector.Modification {
	var list []connector.Modification
	for i, path := range []string{
		"userName", "externalId", "displayName", "name.givenName", "name.familyName", "title", `emails[type eq "work"].value`,
		`phoneNumbers[type eq "work"].value`, `phoneNumbers[type eq "mobile"].value`, `addresses[type eq "work"].streetAddress`,
		`addresses[type eq "work"].locality`, "preferredLanguage", enterprise + "department", enterprise + "employeeNumber",
	} {
		list = append(list, set(path, directory.Text(fmt.Sprint("value ", i))))
	}
	return append(list, set("active", directory.Boolean(true)))
}

// BenchmarkCreate sends a new user of fifteen attributes, and reads the answer.
// The bare one sends the same bytes and throws the answer away.
func BenchmarkCreate(b *testing.B) {
	t := open(b, "http://127.0.0.1:1/scim/v2", "")
	t.client = &http.Client{Transport: echoing{}}
	create := creating(directory.User, fifteen()...)
	b.Run("create", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if receipt, err := t.Send(b.Context(), create); err != nil || receipt.ID != "1" {
				b.Fatal(receipt, err)
			}
		}
	})
	w, err := t.prepare(create)
	if err != nil {
		b.Fatal(err)
	}
	made := resource{}
	w.applyTo(&made)
	body, err := marshal(made)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("bare", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			request, err := http.NewRequestWithContext(b.Context(), http.MethodPost, "http://127.0.0.1:1/scim/v2/Users", bytes.NewReader(body))
			if err != nil {
				b.Fatal(err)
			}
			answer, err := t.client.Do(request)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, answer.Body); err != nil {
				b.Fatal(err)
			}
			answer.Body.Close()
		}
	})
}

// answerAll plays an app on its end of connections: it makes every account that it is
// sent, by few allocations of its own.
func answerAll(connection net.Conn) {
	defer connection.Close()
	in := bufio.NewReader(connection)
	var body, answer, out []byte
	for id := 0; ; id++ {
		for {
			line, err := in.ReadSlice('\n')
			if err != nil {
				return
			}
			if length, ok := bytes.CutPrefix(bytes.TrimSpace(line), []byte("Content-Length: ")); ok {
				n, _ := strconv.Atoi(string(length))
				body = append(body[:0], make([]byte, n)...)
			}
			if len(line) == len("\r\n") {
				break
			}
		}
		if _, err := io.ReadFull(in, body); err != nil {
			return
		}
		answer = fmt.Appendf(answer[:0], `{"id":"%d",%s,"meta":{"resourceType":"User","version":"W/\"%d\"","location":"https://app.example.com/scim/v2/Users/%d"}}`, id, body[1:len(body)-1], id, id)
		out = fmt.Appendf(out[:0], "HTTP/1.1 201 Created\r\nContent-Type: application/scim+json\r\nContent-Length: %d\r\n\r\n%s", len(answer), answer)
		if _, err := connection.Write(out); err != nil {
			return
		}
	}
}

// BenchmarkExchange is BenchmarkCreate with a credential, and with a connection in
// memory. The bare one is that of net/http alone.
func BenchmarkExchange(b *testing.B) {
	transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		go answerAll(far)
		return near, nil
	}}
	opened, err := Open(connector.Options{
		Connection: json.RawMessage(`{"base_url":"http://127.0.0.1:1/scim/v2"}`), Credential: bearer(token), UserAgent: "provisioning/test", Transport: transport,
	})
	if err != nil {
		b.Fatal(err)
	}
	t := opened.(*target)
	defer t.Close()
	create, ctx := creating(directory.User, fifteen()...), context.WithoutCancel(b.Context()) // as a cycle has it
	b.Run("create", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if receipt, err := t.Send(ctx, create); err != nil || receipt.ID == "" || receipt.Account != nil {
				b.Fatal(receipt, err)
			}
		}
	})
	c, err := t.creation(create)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("bare", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://127.0.0.1:1/scim/v2/Users", bytes.NewReader(c.body))
			if err != nil {
				b.Fatal(err)
			}
			request.Header.Set("Authorization", "Bearer "+token)
			answer, err := transport.RoundTrip(request)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, answer.Body); err != nil {
				b.Fatal(err)
			}
			answer.Body.Close()
		}
	})
}

// fixed answers every request alike, without a network.
type fixed string

func (f fixed) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(string(f))), Request: r}, nil
}

const stored = `"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],` +
	`"userName":"jamie.morgan@example.com","externalId":"4711","displayName":"Jamie Morgan","name":{"givenName":"Jamie","familyName":"Morgan"},` +
	`"title":"Engineer","emails":[{"type":"work","value":"jamie.morgan@example.com","primary":true}],"active":true,` +
	`"phoneNumbers":[{"type":"work","value":"+49 30 1"},{"type":"mobile","value":"+49 170 1"}],` +
	`"addresses":[{"type":"work","streetAddress":"Long Street 1","locality":"Berlin"}],"preferredLanguage":"de",` +
	`"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"Research","employeeNumber":"4711"},` +
	`"meta":{"resourceType":"User","version":"W/\"1\"","created":"2026-01-01T00:00:00Z","location":"https://app.example.com/scim/v2/Users/1"}}`

// BenchmarkUpdate sends a change of two attributes, and reads the account that
// comes back.
func BenchmarkUpdate(b *testing.B) {
	t := open(b, "http://127.0.0.1:1/scim/v2", "")
	t.client = &http.Client{Transport: fixed(`{"id":"1",` + stored)}
	t.learned.setActiveForm(activeByPatch)
	update := updating(directory.User, "1", set("title", directory.Text("Engineer")), set(`emails[type eq "work"].value`, directory.Text("j@example.com")))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := t.Send(b.Context(), update); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkList reads a hundred accounts, of which some attributes are wanted or
// all that come. The bare one throws the answer away.
func BenchmarkList(b *testing.B) {
	const accounts = 100
	var page strings.Builder
	fmt.Fprintf(&page, `{"totalResults":%d,"Resources":[`, accounts)
	for i := range accounts {
		if i > 0 {
			page.WriteByte(',')
		}
		fmt.Fprintf(&page, `{"id":"%d",%s`, i, stored)
	}
	page.WriteString("]}")
	var all []directory.Path
	for _, m := range fifteen() {
		all = append(all, m.Path)
	}
	for name, want := range map[string][]directory.Path{"id": nil, "three": all[:3], "fifteen": all} {
		b.Run(name, func(b *testing.B) {
			t := open(b, "http://127.0.0.1:1/scim/v2", "")
			t.client = &http.Client{Transport: fixed(page.String())}
			b.ReportAllocs()
			for b.Loop() {
				n := 0
				if _, err := t.List(b.Context(), directory.User, want, func(connector.Account) error { n++; return nil }); err != nil || n != accounts {
					b.Fatal(n, err)
				}
			}
		})
	}
	b.Run("bare", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := io.Copy(io.Discard, strings.NewReader(page.String())); err != nil {
				b.Fatal(err)
			}
		}
	})
}
