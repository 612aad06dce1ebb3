package scim

import (
	"fmt"
	"io"
	"net/http"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/lazyjson"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// saying answers every request with what it is set to.
type saying struct{ answer string }

func (s *saying) RoundTrip(r *http.Request) (*http.Response, error) {
	_ = r.Body.Close()
	return &http.Response{StatusCode: http.StatusCreated, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(s.answer)), Request: r}, nil
}

var anyQuoted = regexp.MustCompile(`"(\\.|[^"\\])*"`)

// Whatever the answers to creates before it were, an answer is understood as one that
// was looked into.
func TestEchoes(t *testing.T) {
	paths := paths("userName", "externalId", "active", "name.givenName", "Name.familyName", "name", "emails", `emails[type eq "work"].value`,
		`Emails[Type eq "home"].value`, `emails[type eq "work"].display`, `emails[value eq "a"].display`, `emails[primary eq "True"].value`,
		`emails[type eq "home"].type`, "emails.value", "password", "manager", enterprise+"department", enterprise+"manager.displayName", "urn:x:number", "id", "meta.version")
	values := rapid.SampledFrom([]string{"", "a", "b", "work", "home", "True", "7", "\x000", "0", `"\`, "é\u2028", "\xff", "/<"})
	fragments := rapid.SampledFrom([]string{
		`"emails":[{"type":"work","value":%q},{"value":%q,"type":"home"}]`, `"EMAILS":[{"Type":"work","value":%q,"type":%q}]`, `"emails":[{"type":%q,"value":%q}]`,
		`"emails":[{"type":"work","primary":"True","value":%q}]`, `"emails":{"type":"work","value":%q}`, `"userName":%q`, `"USERNAME":%q`, `"name":{"givenName":%q}`, `"Name":{"familyName":%q}`, `"id":%q`, `"ID":%q`, `"id":7`,
		`"active":true`, `"active":"True"`, `"Active":false`, `"meta":{"version":"W/\"%q\"","created":%q}`, ` "groups" : [ 1, %q, null, {} ]`, `"urn:x":{"number":%q}`,
		`"` + schemaEnterprise + `":{"department":%q,"manager":{"value":%q}}`, `"` + enterprise + `department":%q`, `"x":%q`, `"x":"\u0000%q"`, `"password":%q`,
	})
	quoted := rapid.Custom(func(t *rapid.T) string {
		text := string(lazyjson.Text(values.Draw(t, "text")).AppendJSON(nil))
		if rapid.IntRange(0, 5).Draw(t, "way") == 0 {
			text = fmt.Sprintf(`"\u%04x%s`, rapid.SampledFrom([]rune{'a', 'W', 0, 0xd800, 0xe9}).Draw(t, "escaped"), text[1:])
		}
		return text
	})
	said := &saying{}
	fresh := func() *target {
		target := open(t, "https://app.example.com", "")
		target.client = &http.Client{Transport: said}
		return target
	}
	echoed := 0
	rapid.Check(t, func(t *rapid.T) {
		o := connector.Operation{Kind: connector.Create, Type: directory.User}
		for _, path := range rapid.SliceOfNDistinct(rapid.SampledFrom(paths), 1, 5, directory.Path.String).Draw(t, "paths") {
			o.Modifications = append(o.Modifications, connector.Modification{Path: path, Verb: connector.Set, Reference: rapid.IntRange(0, 9).Draw(t, "kind") == 0})
		}
		more := rapid.SliceOfN(fragments, 0, 4).Draw(t, "more")
		used := fresh()
		for range 12 {
			o.Modifications = append([]connector.Modification(nil), o.Modifications...)
			for i := range o.Modifications {
				m := &o.Modifications[i]
				m.Value = directory.Text(values.Draw(t, "value"))
				switch rapid.IntRange(0, 19).Draw(t, "kind") {
				case 0:
					m.Value = directory.Integer(7)
				case 1, 2:
					m.Value = directory.Boolean(rapid.Bool().Draw(t, "value"))
				case 3:
					m.Reference = !m.Reference
				}
			}
			c, err := used.creation(o)
			if err != nil {
				return
			}
			said.answer = `{"id":` + quoted.Draw(t, "id") + `,` + strings.TrimPrefix(string(c.body), `{`)
			for _, fragment := range more {
				for strings.Contains(fragment, `%q`) {
					text := quoted.Draw(t, "more")
					if strings.Contains(fragment, `"%q`) || strings.Contains(fragment, `u0000%q`) || strings.Contains(fragment, `\"%q`) {
						text = strings.Trim(text, `"`)
					}
					fragment = strings.Replace(fragment, `%q`, text, 1)
				}
				if strings.HasPrefix(fragment, " ") {
					said.answer = `{` + fragment + `,` + said.answer[1:]
				} else {
					said.answer = said.answer[:len(said.answer)-1] + `,` + fragment + `}`
				}
			}
			switch rapid.IntRange(0, 9).Draw(t, "change") {
			case 0: // a byte
				at := rapid.IntRange(0, len(said.answer)).Draw(t, "at")
				less := min(rapid.IntRange(0, 1).Draw(t, "less"), len(said.answer)-at)
				said.answer = said.answer[:at] + rapid.SampledFrom([]string{"", `"`, `\`, "{", "\x00", "\n", "\xff", "a"}).Draw(t, "with") + said.answer[at+less:]
			case 1, 2, 3: // a text
				texts := anyQuoted.FindAllStringIndex(said.answer, -1)
				at := rapid.SampledFrom(texts).Draw(t, "at")
				said.answer = said.answer[:at[0]] + quoted.Draw(t, "with") + said.answer[at[1]:]
			}
			if c.expected.idIn([]byte(said.answer)) != "" {
				echoed++
			}
			got, gotErr := used.Send(t.Context(), o)
			want, wantErr := fresh().Send(t.Context(), o)
			if !reflect.DeepEqual(got, want) || fmt.Sprint(gotErr) != fmt.Sprint(wantErr) {
				t.Fatalf("%s\n%v %v\nwant %v %v", said.answer, got, gotErr, want, wantErr)
			}
		}
	})
	if echoed < 10 {
		t.Errorf("%d answers were echoes", echoed)
	}
}

// Where two values came back as one, each answer is looked into.
func TestEchoesOfOneValueForTwo(t *testing.T) {
	said := &saying{`{"id":"1","emails":[{"type":"work","primary":"True","value":"a"}]}`}
	target := open(t, "https://app.example.com", "")
	target.client = &http.Client{Transport: said}
	create := func(second string) connector.Receipt {
		t.Helper()
		return send(t, target, creating(directory.User,
			set(`emails[type eq "work"].value`, directory.Text("a")), set(`emails[primary eq "True"].value`, directory.Text(second))))
	}
	for range 3 {
		if receipt := create("a"); receipt.Account != nil {
			t.Errorf("%v", receipt)
		}
	}
	if receipt := create("b"); receipt.Account == nil {
		t.Errorf("%v", receipt)
	}
}

// Each of the ways in which an app answers is learned once, and few of them.
func TestEchoesAreFew(t *testing.T) {
	said := &saying{}
	target := open(t, "https://app.example.com", "")
	target.client = &http.Client{Transport: said}
	create := func(answer string) {
		t.Helper()
		said.answer = answer
		if receipt := send(t, target, creating(directory.User, set("userName", directory.Text("a")))); receipt.ID != "1" || receipt.Account != nil {
			t.Fatalf("%v", receipt)
		}
	}
	for i := range 3 * maxEchoes {
		for range 3 {
			create(fmt.Sprintf(`{"id":"1","userName":"a","x":%d}`, i))
		}
		if n, want := len(target.discovery.stencils[0].echoes), min(i+1, maxEchoes); n != want {
			t.Errorf("%d echoes, want %d", n, want)
		}
	}
	target.discovery.learn(nil)
	for range 3 {
		create(`{"id":"1","userName":"a","x":"` + strings.Repeat("x", maxScratch) + `"}`)
	}
	if n := len(target.discovery.stencils[0].echoes); n > 0 {
		t.Errorf("%d echoes of answers that are long", n)
	}
}

// A success that is said to be none by its text is none, after however many that were.
func TestEchoesDoNotHideThrottling(t *testing.T) {
	said := &saying{}
	target := open(t, "https://app.example.com", `{"throttled":[{"status":201,"contains":"slow down"}]}`)
	target.client = &http.Client{Transport: said}
	create := creating(directory.User, set("userName", directory.Text("a")))
	for range 3 {
		said.answer = `{"id":"1","userName":"a","title":"-"}`
		send(t, target, create)
	}
	said.answer = `{"id":"1","userName":"a","title":"slow down"}`
	_, err := target.Send(t.Context(), create)
	refused(t, err, connector.Throttled, codeThrottled)
}
