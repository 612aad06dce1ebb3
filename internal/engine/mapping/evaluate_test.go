package mapping

import (
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func viewOf(values map[string]directory.Value) *View {
	return &View{Object: directory.Object{Key: directory.Key{Type: directory.User, Anchor: "42"}, Attributes: directory.NewAttributes(values)}}
}

func flowAt(t *testing.T, c *Compiled, values map[string]directory.Value, path string) (Flow, error) {
	t.Helper()
	flows, err := c.Evaluate(Input{View: viewOf(values), Now: noon}, true)
	for _, f := range flows {
		if f.Path.String() == path {
			return f, nil
		}
	}
	return Flow{}, err
}

func TestEvaluate_conversion(t *testing.T) {
	text, texts := directory.Text, directory.Texts
	tests := []struct {
		path string
		from directory.Value
		want directory.Value
		code string
	}{
		{"active", text("TRUE"), directory.Boolean(true), ""},
		{"active", text("false"), directory.Boolean(false), ""},
		{"active", directory.Boolean(true), directory.Boolean(true), ""},
		{"active", text("yes"), directory.Null, "AttributeValidationFailed"},
		{"active", text(""), directory.Null, ""},
		{"level", text("12"), directory.Integer(12), ""},
		{"level", text("-3"), directory.Integer(-3), ""},
		{"level", directory.Integer(3), directory.Integer(3), ""},
		{"level", text("1.5"), directory.Null, "AttributeValidationFailed"},
		{"level", text("9223372036854775808"), directory.Null, "AttributeValidationFailed"},
		{"urn:x:2.0:User:badge", text("7"), directory.Integer(7), ""},
		{"userName", directory.Integer(7), text("7"), ""},
		{"userName", directory.Boolean(true), text("True"), ""},
		{"userName", texts("one"), text("one"), ""},
		{"userName", texts("", "one"), text("one"), ""},
		{"userName", texts("one", "two"), directory.Null, "SchemaPropertyCanOnlyAcceptValue"},
		{"userName", texts(), directory.Null, ""},
		{"userName", texts("", ""), directory.Null, ""},
		{"tags", texts("a", "b"), texts("a", "b"), ""},
		{"tags", texts("a", ""), texts("a"), ""},
		{"tags", text("a"), text("a"), ""},
		{"tags", directory.List(directory.Integer(1)), texts("1"), ""},
		{`emails[type eq "work"].value`, texts("a@x", "b@x"), directory.Null, "SchemaPropertyCanOnlyAcceptValue"},
		{`emails[type eq "work"].primary`, text("true"), directory.Boolean(true), ""},
		{"name.givenName", text("Anna"), text("Anna"), ""},
		{"NAME.GIVENNAME", directory.Integer(1), text("1"), ""},
		{"since", directory.Time(noon), directory.Time(noon), ""},
		{"unheardOf", texts("a", "b"), texts("a", "b"), ""},
		{"userName", directory.Time(noon), text("3/1/2026 12:00:00 PM"), ""},
		{"unheardOf", directory.Time(noon), text("3/1/2026 12:00:00 PM"), ""},
		{"tags", directory.List(directory.Time(noon)), texts("3/1/2026 12:00:00 PM"), ""},
	}
	for _, tt := range tests {
		t.Run(tt.path+"/"+tt.from.String(), func(t *testing.T) {
			attributes := map[string]Attribute{"externalId": matching(from("objectId"), 1), tt.path: from("v")}
			f, err := flowAt(t, compile(t, attributes), map[string]directory.Value{"v": tt.from}, tt.path)
			var evaluation *EvaluationError
			if tt.code != "" {
				if !errors.As(err, &evaluation) || evaluation.Code != tt.code {
					t.Fatalf("error %v", err)
				}
				if tt.code == "SchemaPropertyCanOnlyAcceptValue" && !strings.Contains(err.Error(), "Item(") {
					t.Errorf("%v does not tell the way out", err)
				}
				return
			}
			if err != nil || !f.Value.Equal(tt.want) {
				t.Errorf("gives %v, error %v", f.Value, err)
			}
		})
	}
}

func TestEvaluate_flows(t *testing.T) {
	c := compile(t, map[string]Attribute{
		"userName": matching(from("login"), 1), "externalId": from("objectId"), "active": computed("Not([IsSoftDeleted])"),
		"level": orElse(from("level"), "3"), "hired": from("hired"), "password": applied(constant("p"), ApplyOnCreate),
		"title": computed("IgnoreAttributeFlow"), "nickName": computed("Redact([login])"), "locale": {Default: ref("en")}, "manager": from("manager"),
	})
	view := viewOf(map[string]directory.Value{"login": directory.Text("a"), "hired": directory.Text("2020")})
	paths := func(creating bool) map[string]Flow {
		flows, err := c.Evaluate(Input{View: view, Now: noon}, creating)
		if err != nil {
			t.Fatal(err)
		}
		byPath := map[string]Flow{}
		for _, f := range flows {
			byPath[f.Path.String()] = f
		}
		return byPath
	}
	created, updated := paths(true), paths(false)
	for path, want := range map[string][2]bool{"userName": {true, true}, "hired": {true, false}, "password": {true, false}, "title": {false, false}, "manager": {false, false}, "locale": {true, true}} {
		_, inCreate := created[path]
		_, inUpdate := updated[path]
		if [2]bool{inCreate, inUpdate} != want {
			t.Errorf("%s flows in a create: %t, in an update: %t", path, inCreate, inUpdate)
		}
	}
	if f := created["userName"]; !f.Required || !f.Own || f.CaseExact || f.Redacted {
		t.Errorf("userName is %+v", f)
	}
	if f := created["externalId"]; f.Value.String() != "42" || !f.CaseExact {
		t.Errorf("externalId is %+v", f)
	}
	if f := created["password"]; f.Own || !f.WriteOnly {
		t.Errorf("password is %+v", f)
	}
	if f := created["level"]; !f.Value.IsNull() || !f.Default.Equal(directory.Integer(3)) {
		t.Errorf("level is %+v", f)
	}
	if f := created["locale"]; !f.NoSource || f.Default.String() != "en" {
		t.Errorf("locale is %+v", f)
	}
	if !created["nickName"].Redacted {
		t.Error("nickName is shown")
	}
	view.SoftDeleted = true
	if got := paths(false)["active"].Value; !got.Equal(directory.Boolean(false)) {
		t.Errorf("active is %v", got)
	}
}

func TestEvaluate_errors(t *testing.T) {
	input := Input{View: viewOf(map[string]directory.Value{"login": directory.Text("a"), "ssn": directory.Text("078-05-1120")}), Now: noon}
	with := func(path string, a Attribute) *Compiled {
		return compile(t, map[string]Attribute{"userName": matching(from("login"), 1), path: a})
	}
	_, err := with("title", computed("IgnoreObjectFlow")).Evaluate(input, false)
	if !errors.Is(err, ErrIgnoreObject) {
		t.Errorf("IgnoreObjectFlow: %v", err)
	}

	c := with("nickName", applied(computed(`SelectUniqueValue([login], Append([login], "1"))`), ApplyOnCreate))
	input.Taken = func(path directory.Path, value string) (bool, bool, error) { return value == "a", value == "a", nil }
	_, err = c.Evaluate(input, true)
	var need *NeedUnique
	if !errors.As(err, &need) || need.Value != "a1" || need.Path.Name() != "nickName" {
		t.Errorf("SelectUniqueValue: %v", err)
	}
	input.Taken = func(directory.Path, string) (bool, bool, error) { return true, true, nil }
	var evaluation *EvaluationError
	if _, err = c.Evaluate(input, true); !errors.As(err, &evaluation) || evaluation.Code != "AttributeValidationFailed" || evaluation.Path.Name() != "nickName" {
		t.Errorf("all taken: %v", err)
	}

	_, err = with("level", computed("Redact([ssn])")).Evaluate(input, false)
	if err == nil || strings.Contains(err.Error(), "078") {
		t.Errorf("a redacted value in an error: %v", err)
	}
	_, err = with("level", computed(`CStr(Item([ssn], 0))`)).Evaluate(input, false)
	if !errors.As(err, &evaluation) || evaluation.Code != "AttributeValidationFailed" {
		t.Errorf("a bad argument: %v", err)
	}
	_, err = with("level", orElse(from("nothing"), "many")).Evaluate(input, true)
	if !errors.As(err, &evaluation) || !strings.Contains(err.Error(), "default") {
		t.Errorf("a bad default: %v", err)
	}
	long := strings.Repeat("ä", 5000)
	input.View = viewOf(map[string]directory.Value{"login": directory.Text(long)})
	if _, err = with("level", from("login")).Evaluate(input, false); err == nil || len(err.Error()) > 400 || strings.ContainsRune(err.Error(), '\uFFFD') {
		t.Errorf("a long value: %v", err)
	}
}

// What the log shows of a failing expression: where, what, and which value,
// unless that is redacted.
func TestEvaluationErrorDetails(t *testing.T) {
	for text, want := range map[string]map[string]string{
		`Mid([login], [n], 1)`:             {"attribute": "title", "expression": `Mid([login], [n], 1)`, "function": "Mid", "argument": "start", "value": "one"},
		`[login] & [many]`:                 {"attribute": "title", "expression": `[login] & [many]`, "argument": "[many]"},
		`Mid(Redact([login]), [n], 1)`:     {"attribute": "title", "expression": `Mid(Redact([login]), [n], 1)`, "function": "Mid", "argument": "start"},
		`IIF([login] = "a", Error("no"),)`: nil,
	} {
		attributes := map[string]Attribute{"userName": matching(from("login"), 1), "title": computed(text)}
		c, err := Compile(Definition{ObjectType: directory.User, Attributes: attributes}, Source{}, nil)
		if want == nil {
			if err == nil {
				t.Errorf("%s compiles", text)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		view := viewOf(map[string]directory.Value{"login": directory.Text("a"), "n": directory.Text("one"), "many": directory.Texts("x", "y")})
		_, err = c.Evaluate(Input{View: view, Now: noon}, false)
		var failed *EvaluationError
		if !errors.As(err, &failed) || !maps.Equal(failed.Details(), want) {
			t.Errorf("%s: %v, details %v", text, err, failed.Details())
		}
	}
}

// AppRoleAssignmentsComplex adds, however apply is written; its assertive twin
// replaces.
func TestRolesThatOnlyCome(t *testing.T) {
	for text, want := range map[string]Apply{
		"AppRoleAssignmentsComplex([appRoleAssignments])":                   ApplyAddValues,
		"AssertiveAppRoleAssignmentsComplex([appRoleAssignments])":          ApplyAlways,
		"RemoveDuplicates(AppRoleAssignmentsComplex([appRoleAssignments]))": ApplyAlways,
	} {
		for _, written := range []Apply{"", ApplyAlways, ApplyOnCreate} {
			c := compile(t, map[string]Attribute{"userName": matching(from("login"), 1), "tags": applied(computed(text), written)})
			flows, err := c.Evaluate(Input{View: viewOf(map[string]directory.Value{"login": directory.Text("a")}), Now: noon}, true)
			if err != nil {
				t.Fatal(err)
			}
			expected := want
			if written == ApplyOnCreate {
				expected = ApplyOnCreate
			}
			for _, flow := range flows {
				if flow.Path.Name() == "tags" && flow.Apply != expected {
					t.Errorf("%s with apply %q: %q", text, written, flow.Apply)
				}
			}
		}
	}
}

// What depends on the time is the same at the same time.
func TestEvaluate_now(t *testing.T) {
	c := compile(t, map[string]Attribute{"userName": matching(from("login"), 1), "since": computed("Now()")})
	in := Input{View: viewOf(map[string]directory.Value{"login": directory.Text("a")}), Now: noon}
	first, err := c.Evaluate(in, false)
	if err != nil {
		t.Fatal(err)
	}
	second, _ := c.Evaluate(in, false)
	in.Now = noon.Add(time.Hour)
	third, _ := c.Evaluate(in, false)
	if !first[0].Value.Equal(second[0].Value) || first[0].Value.Equal(third[0].Value) {
		t.Errorf("gives %v, %v, %v", first[0].Value, second[0].Value, third[0].Value)
	}
}

func TestMatches(t *testing.T) {
	c := compile(t, map[string]Attribute{"userName": matching(from("login"), 2), "externalId": matching(from("number"), 1), "tags": matching(from("nothing"), 3)})
	for _, tt := range []struct {
		login, number directory.Value
		want          string
	}{
		{directory.Text("a"), directory.Text("1"), "externalId=1 userName=a"},
		{directory.Text("a"), directory.Null, "userName=a"},
		{directory.Text(""), directory.Text("1"), "externalId=1"},
		{directory.Null, directory.Null, ""},
	} {
		matches, err := c.Matches(Input{View: viewOf(map[string]directory.Value{"login": tt.login, "number": tt.number})})
		var got []string
		for _, m := range matches {
			got = append(got, m.Path.String()+"="+m.Value.String())
		}
		if err != nil || strings.Join(got, " ") != tt.want {
			t.Errorf("%v, %v: %v, error %v", tt.login, tt.number, got, err)
		}
	}
	_, err := c.Matches(Input{View: viewOf(map[string]directory.Value{"login": directory.Texts("a", "b")})})
	var evaluation *EvaluationError
	if !errors.As(err, &evaluation) {
		t.Errorf("two names: %v", err)
	}
}

func TestView(t *testing.T) {
	text := directory.Text
	v := &View{
		Object: directory.Object{Key: directory.Key{Type: directory.User, Anchor: "42"}, Attributes: directory.NewAttributes(map[string]directory.Value{
			"email_address": text("a@x"), "mail": text("raw@x"), "objectId": text("raw"), "IsSoftDeleted": text("True"), "appRoleAssignments": text("raw"), "status": text("FALSE")})},
		Aliases: map[string]string{"mail": "email_address", "employeeId": "objectId", "accountEnabled": "status", "lost": "nowhere"},
	}
	for name, want := range map[string]directory.Value{
		"mail": text("a@x"), "email_address": text("a@x"), "objectId": text("42"), "employeeId": text("42"),
		"IsSoftDeleted": directory.Boolean(false), "appRoleAssignments": directory.Null, "lost": directory.Null, "nothing": directory.Null, "MAIL": directory.Null,
	} {
		if got, _ := v.Attribute(name); !got.Equal(want) {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if v.Enabled() {
		t.Error("enabled through the alias")
	}
	for value, want := range map[string]bool{"True": true, "false": false, "0": true, "": true} {
		v.Object.Attributes = v.Object.Attributes.With("status", text(value))
		if v.Enabled() != want {
			t.Errorf("accountEnabled %q: %t", value, !want)
		}
	}
	if !viewOf(nil).Enabled() || viewOf(map[string]directory.Value{"accountEnabled": directory.Boolean(false)}).Enabled() || !viewOf(map[string]directory.Value{"accountEnabled": directory.Null}).Enabled() {
		t.Error("absent and null are enabled, false is not")
	}
	v.Aliases = map[string]string{"displayName": "email_address"}
	if v.Display() != "a@x" {
		t.Errorf("shown as %q", v.Display())
	}
}
