package scim

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// echo answers every request with what it holds and an id, without a network.
type echo struct{}

func (echo) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	answer := append([]byte(`{"id":"1",`), body[1:]...)
	return &http.Response{StatusCode: http.StatusCreated, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(answer)), Request: r}, nil
}

// BenchmarkCreate sends a new user of fifteen attributes, and reads the answer.
// The bare one sends the same bytes and throws the answer away.
func BenchmarkCreate(b *testing.B) {
	t := open(b, "http://127.0.0.1:1/scim/v2", "")
	t.client = &http.Client{Transport: echo{}}
	const enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:"
	create := connector.Operation{Kind: connector.Create, Type: directory.User}
	for i, path := range []string{
		"userName", "externalId", "displayName", "name.givenName", "name.familyName", "title", `emails[type eq "work"].value`,
		`phoneNumbers[type eq "work"].value`, `phoneNumbers[type eq "mobile"].value`, `addresses[type eq "work"].streetAddress`,
		`addresses[type eq "work"].locality`, "preferredLanguage", enterprise + "department", enterprise + "employeeNumber",
	} {
		create.Modifications = append(create.Modifications, connector.Modification{
			Path: directory.MustPath(path), Verb: connector.Set, Value: directory.Text(fmt.Sprint("value ", i)),
		})
	}
	create.Modifications = append(create.Modifications, connector.Modification{
		Path: directory.MustPath("active"), Verb: connector.Set, Value: directory.Boolean(true),
	})
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
