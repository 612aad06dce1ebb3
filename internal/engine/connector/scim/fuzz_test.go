package scim

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/lazyjson"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/sampleapp"
)

// Whatever a server answers, reading it ends, and gives values that can be
// written again.
func FuzzReading(f *testing.F) {
	f.Add(`{"id":"1","userName":"a","emails":[{"type":"work","value":"x"}],"active":"True"}`, `emails[type eq "work"].value`)
	f.Add(`{"totalResults":1,"Resources":[{"id":1}]}`, "userName")
	f.Add(`{"members":[{"$ref":"/a/%zz"},7,null,[["x"]]]}`, "members")
	f.Add(`{"urn:x":{"a":{"b":[1]}}}`, "urn:x:a.b")
	target := open(f, "https://app.example.com", "")
	authorized := &http.Request{Header: http.Header{"Authorization": {"Bearer " + token}}}
	f.Fuzz(func(t *testing.T, body, path string) {
		_, _ = readPage(body)
		_ = readError(response{body: body, sent: authorized})
		_ = readCatalog([]byte(body), []byte(body))
		r, err := decodeResource(body)
		p, pathErr := directory.ParsePath(path)
		if err != nil || pathErr != nil {
			return
		}
		account := target.account(directory.User, r, "", target.attributes(directory.User, []directory.Path{p}))
		for _, value := range account.Values {
			if _, err := json.Marshal(value); err != nil {
				t.Errorf("%v: %v", value, err)
			}
		}
		r.set(p, lazyjson.Text("x"))
		r.add(p, []lazyjson.Value{lazyjson.Text("y")})
		r.remove(p, []lazyjson.Value{lazyjson.Text("y")})
		r.clear(p)
		if _, err := marshal(r); err != nil {
			t.Error(err)
		}
	})
}

// A value comes out of a filter as it went in, and finds what has it and
// nothing else.
func FuzzFilter(f *testing.F) {
	for _, value := range []string{"a", `"`, `\`, `a" or userName pr or userName eq "`, "ü\u2028", "a\tb", "<&>", "\\u0022", "', \x7f"} {
		f.Add(value)
	}
	paths := paths("userName", enterprise+"department", `emails[type eq "work"].value`, "name.givenName")
	f.Fuzz(func(t *testing.T, value string) {
		for _, path := range paths {
			filter, ok := filterFor(path, directory.Text(value))
			if !ok {
				continue
			}
			parsed, err := sampleapp.ParseFilter(filter)
			if err != nil {
				t.Fatalf("%s: %v", filter, err)
			}
			if !parsed.Matches(holding(t, path, value)) {
				t.Errorf("%s does not find %q", filter, value)
			}
			if parsed.Matches(holding(t, path, value+"x")) {
				t.Errorf("%s finds %q", filter, value+"x")
			}
		}
	})
}

// holding gives the attributes of an account that has a value at a path.
func holding(t *testing.T, path directory.Path, value string) (attributes map[string]any) {
	r := resource{}
	r.set(path, lazyjson.Text(value))
	if err := json.Unmarshal(r.AppendJSON(nil), &attributes); err != nil {
		t.Fatal(err)
	}
	return attributes
}

func FuzzShorten(f *testing.F) {
	f.Add("<html><script>x</script><b>text</b>\r\n")
	f.Add("\xff\x00\u202e")
	f.Fuzz(func(t *testing.T, text string) {
		out := shorten(text)
		if len([]rune(out)) > 301 || strings.ContainsAny(out, "\r\n\x00\x1b") {
			t.Errorf("%q", out)
		}
	})
}
