package memory_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/memory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

const manager = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager"

var (
	userName = directory.MustPath("userName")
	members  = directory.MustPath("members")
)

func set(path string, value directory.Value) connector.Modification {
	return connector.Modification{Path: directory.MustPath(path), Verb: connector.Set, Value: value}
}

func reference(verb connector.Verb, path string, ids ...string) connector.Modification {
	m := connector.Modification{Path: directory.MustPath(path), Verb: verb, Value: directory.Texts(ids...), Reference: true}
	if path == manager {
		m.Value = directory.Text(ids[0])
	}
	return m
}

func create(name string, more ...connector.Modification) connector.Operation {
	return connector.Operation{
		Kind: connector.Create, Type: directory.User,
		Modifications: append([]connector.Modification{set("userName", directory.Text(name))}, more...),
	}
}

func send(t *testing.T, target *memory.Target, operation connector.Operation) connector.Receipt {
	t.Helper()
	receipt, err := target.Send(t.Context(), operation)
	if err != nil {
		t.Fatalf("%s: %v", operation, err)
	}
	return receipt
}

func find(t *testing.T, target *memory.Target, path directory.Path, value string) []string {
	t.Helper()
	accounts, err := target.Find(t.Context(), directory.User, path, directory.Text(value), nil)
	if err != nil {
		t.Fatal(err)
	}
	return ids(accounts)
}

func list(t *testing.T, target *memory.Target) []string {
	t.Helper()
	var accounts []connector.Account
	complete, err := target.List(t.Context(), directory.User, nil, func(a connector.Account) error {
		accounts = append(accounts, a)
		return nil
	})
	if err != nil || !complete {
		t.Fatalf("complete %t, error %v", complete, err)
	}
	return ids(accounts)
}

func ids(accounts []connector.Account) []string {
	var ids []string
	for _, a := range accounts {
		ids = append(ids, a.ID)
	}
	return ids
}

func TestCreateIsFoundAndRead(t *testing.T) {
	target := memory.New(memory.Options{})
	work := directory.MustPath(`emails[type eq "work"].value`)
	receipt := send(t, target, create("Ann@example.com", set(work.String(), directory.Text("ann@example.com"))))
	if got := receipt.Account.Values["userName"].String(); got != "Ann@example.com" {
		t.Errorf("the receipt says userName %q", got)
	}
	for _, name := range []string{"Ann@example.com", "ANN@EXAMPLE.COM"} {
		if got := find(t, target, userName, name); !slices.Equal(got, []string{receipt.ID}) {
			t.Errorf("Find %s gives %v", name, got)
		}
	}
	if got := find(t, target, work, "ann@example.com"); len(got) != 1 {
		t.Errorf("Find by e-mail gives %v", got)
	}
	account, err := target.Get(t.Context(), directory.User, receipt.ID, []directory.Path{work})
	if err != nil {
		t.Fatal(err)
	}
	if len(account.Values) != 1 || account.Values[work.String()].String() != "ann@example.com" {
		t.Errorf("Get gives %v and not just what was wanted", account.Values)
	}
	if account.Enabled == nil || !*account.Enabled {
		t.Error("a new account is not enabled")
	}
	if got := list(t, target); !slices.Equal(got, []string{receipt.ID}) {
		t.Errorf("List gives %v", got)
	}
}

func TestRefusals(t *testing.T) {
	off := false
	text, group := directory.Text, directory.Group
	tests := []struct {
		name      string
		operation func(ann, staff string) connector.Operation
		class     connector.Class
		code      string
	}{
		{"name taken, other case", func(_, _ string) connector.Operation { return create("ANN") }, connector.Conflict, "EntryConflict"},
		{"group's id as a user's", func(_, staff string) connector.Operation {
			return connector.Operation{Kind: connector.Update, Type: directory.User, ID: staff, Modifications: []connector.Modification{set("userName", text("bob"))}}
		}, connector.Gone, "InvalidAnchor"},
		{"renamed to a taken name", func(ann, _ string) connector.Operation {
			return connector.Operation{Kind: connector.Update, Type: directory.User, ID: ann, Modifications: []connector.Modification{set("userName", text("CID"))}}
		}, connector.Conflict, "Conflict"},
		{"no name", func(_, _ string) connector.Operation {
			return connector.Operation{Kind: connector.Create, Type: directory.User}
		}, connector.Rejected, "MandatoryFieldsMissing"},
		{"name cleared", func(ann, _ string) connector.Operation {
			return connector.Operation{Kind: connector.Update, Type: directory.User, ID: ann, Modifications: []connector.Modification{{Path: userName, Verb: connector.Clear}}}
		}, connector.Rejected, "MandatoryFieldsMissing"},
		{"stale version", func(ann, _ string) connector.Operation {
			return connector.Operation{Kind: connector.Update, Type: directory.User, ID: ann, Version: `W/"77"`}
		}, connector.Transient, "Conflict"},
		{"stale version of a delete", func(ann, _ string) connector.Operation {
			return connector.Operation{Kind: connector.Delete, Type: directory.User, ID: ann, Version: `W/"77"`}
		}, connector.Transient, "Conflict"},
		{"manager who does not exist", func(_, _ string) connector.Operation {
			return create("bob", reference(connector.Set, manager, "user-0"))
		}, connector.Rejected, "AttributeValidationFailed"},
		{"group as manager", func(_, staff string) connector.Operation {
			return create("bob", reference(connector.Set, manager, staff))
		}, connector.Rejected, "AttributeValidationFailed"},
		{"reference not called one", func(ann, _ string) connector.Operation {
			return create("bob", set(manager, text(ann)))
		}, connector.Rejected, "AttributeValidationFailed"},
		{"list for one value", func(_, _ string) connector.Operation {
			return create("bob", set("title", directory.Texts("a", "b")))
		}, connector.Rejected, "SchemaPropertyCanOnlyAcceptValue"},
		{"text for a boolean", func(_, _ string) connector.Operation { return create("bob", set("active", text("yes"))) }, connector.Rejected, "AttributeValidationFailed"},
		{"group disabled", func(_, staff string) connector.Operation {
			return connector.Operation{Kind: connector.Update, Type: group, ID: staff, Enabled: &off}
		}, connector.Rejected, "NotImplemented"},
		{"too many members", func(ann, staff string) connector.Operation {
			return connector.Operation{Kind: connector.Update, Type: group, ID: staff, Modifications: []connector.Modification{reference(connector.Add, "members", ann, ann, ann)}}
		}, connector.Rejected, "UnprocessableEntity"},
		{"unknown type", func(_, _ string) connector.Operation {
			return connector.Operation{Kind: connector.Create, Type: "Robot"}
		}, connector.Rejected, "NotImplemented"},
		{"unknown kind", func(_, _ string) connector.Operation { return connector.Operation{Kind: "merge", Type: group} }, connector.Rejected, "InternalError"},
		{"unknown verb", func(_, _ string) connector.Operation {
			return create("bob", connector.Modification{Path: directory.MustPath("title"), Verb: 9})
		}, connector.Rejected, "InternalError"},
		{"create with an id", func(_, _ string) connector.Operation {
			operation := create("bob")
			operation.ID = "mine"
			return operation
		}, connector.Rejected, "InternalError"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			target := memory.New(memory.Options{Features: func(f *connector.Features) { f.MembersPerRequest = 2 }})
			ann := target.Seed(directory.User, map[string]directory.Value{"userName": text("ann")})
			target.Seed(directory.User, map[string]directory.Value{"userName": text("cid")})
			staff := target.Seed(group, map[string]directory.Value{"displayName": text("Staff")})
			before := append(target.Accounts(directory.User), target.Accounts(group)...)
			_, err := target.Send(t.Context(), test.operation(ann, staff))
			if e := connector.AsError(err); err == nil || e.Class != test.class || e.Code != test.code {
				t.Errorf("error is %v, want %s %s", err, test.class, test.code)
			}
			after := append(target.Accounts(directory.User), target.Accounts(group)...)
			if !reflect.DeepEqual(before, after) || target.Writes().Total != 0 {
				t.Errorf("a refused write changed something: %v", after)
			}
		})
	}
}

func TestMembers(t *testing.T) {
	target := memory.New(memory.Options{})
	ann := target.Seed(directory.User, map[string]directory.Value{"userName": directory.Text("ann")})
	bob := target.Seed(directory.User, map[string]directory.Value{"userName": directory.Text("bob")})
	staff := target.Seed(directory.Group, map[string]directory.Value{"displayName": directory.Text("Staff")})
	have := func() []string {
		account, _ := target.Account(directory.Group, staff)
		var ids []string
		for _, v := range account.Values["members"].Values() {
			ids = append(ids, v.String())
		}
		return ids
	}
	update := func(m connector.Modification) connector.Receipt {
		return send(t, target, connector.Operation{Kind: connector.Update, Type: directory.Group, ID: staff, Modifications: []connector.Modification{m}})
	}
	both := []string{ann, bob}
	slices.Sort(both)

	if receipt := update(reference(connector.Add, "members", ann, "user-0", bob)); !slices.Equal(receipt.Lost, []string{"user-0"}) || !slices.Equal(have(), both) {
		t.Errorf("after add: lost %v, members %v", receipt.Lost, have())
	}
	version := target.Accounts(directory.Group)[0].Version
	update(reference(connector.Add, "members", ann))
	if got := target.Accounts(directory.Group)[0].Version; got != version {
		t.Error("adding a member who is one already changed the version")
	}
	target.Drop(directory.User, bob)
	if !slices.Equal(have(), []string{ann}) {
		t.Errorf("a deleted user is still a member: %v", have())
	}
	update(reference(connector.Remove, "members", ann, "user-0"))
	if len(have()) != 0 {
		t.Errorf("after remove: %v", have())
	}
	update(reference(connector.Set, "members", ann))
	update(connector.Modification{Path: members, Verb: connector.Clear, Reference: true})
	if len(have()) != 0 {
		t.Errorf("after clear: %v", have())
	}
	if _, err := target.Find(t.Context(), directory.Group, members, directory.Text(ann), nil); !errors.Is(err, connector.ErrCannotFilter) {
		t.Errorf("searching by member gives %v", err)
	}
}

func TestSeveralValues(t *testing.T) {
	target := memory.New(memory.Options{})
	id := send(t, target, create("ann")).ID
	roles := func(verb connector.Verb, value directory.Value) string {
		send(t, target, connector.Operation{Kind: connector.Update, Type: directory.User, ID: id, Modifications: []connector.Modification{
			{Path: directory.MustPath("roles"), Verb: verb, Value: value},
		}})
		account, _ := target.Account(directory.User, id)
		value, ok := account.Values["roles"]
		if !ok {
			return "none"
		}
		return value.String()
	}
	for _, step := range []struct {
		verb  connector.Verb
		value directory.Value
		want  string
	}{
		{connector.Set, directory.Texts("a"), `["a"]`},
		{connector.Add, directory.Texts("b", "a"), `["a","b"]`},
		{connector.Remove, directory.Texts("a", "c"), `["b"]`},
		{connector.Remove, directory.Text("b"), "none"},
		{connector.Add, directory.Texts("d"), `["d"]`},
		{connector.Set, directory.List(), "none"},
		{connector.Set, directory.Text(""), ""},
		{connector.Clear, directory.Null, "none"},
		{connector.Add, directory.Text("e"), "e"},
		{connector.Set, directory.Null, "none"},
	} {
		if got := roles(step.verb, step.value); got != step.want {
			t.Errorf("after %s %s: %s, want %s", step.verb, step.value, got, step.want)
		}
	}
}

func TestDisableEnableDelete(t *testing.T) {
	target := memory.New(memory.Options{})
	id := send(t, target, create("ann", set("active", directory.Text("False")))).ID
	for _, enabled := range []bool{true, false} {
		send(t, target, connector.Operation{Kind: connector.Update, Type: directory.User, ID: id, Enabled: &enabled})
		if account, _ := target.Account(directory.User, id); *account.Enabled != enabled {
			t.Errorf("enabled is %t after it was set to %t", *account.Enabled, enabled)
		}
	}
	remove := connector.Operation{Kind: connector.Delete, Type: directory.User, ID: id}
	send(t, target, remove)
	send(t, target, remove)
	if _, err := target.Get(t.Context(), directory.User, id, nil); connector.ClassOf(err) != connector.Gone {
		t.Errorf("Get after delete gives %v", err)
	}
	if got := find(t, target, userName, "ann"); got != nil {
		t.Errorf("Find after delete gives %v", got)
	}
	writes := target.Writes()
	if writes.Total != 4 || writes.ByKind[connector.Delete] != 1 || writes.ByID[id] != 4 {
		t.Errorf("writes are %+v", writes)
	}
	if again := send(t, target, create("ann")).ID; again == id {
		t.Error("the id of a deleted account was given again")
	}
}

func TestOptions(t *testing.T) {
	target := memory.New(memory.Options{
		CaseExact:    memory.Paths{directory.User: {"userName"}},
		Unique:       memory.Paths{directory.User: {"emails.value"}},
		Unreadable:   memory.Paths{directory.User: {"password"}},
		Unfilterable: memory.Paths{directory.User: {"title"}},
		Features: func(f *connector.Features) {
			f.CanList = false
			f.CanDelete[directory.User] = false
			f.CanDisable[directory.User] = false
		},
	})
	_, schema, err := target.Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	user, _ := schema.Type(directory.User)
	if d, _ := user.Attribute("userName"); !d.CaseExact {
		t.Error("the schema does not say caseExact")
	}
	password := directory.MustPath("password")
	id := send(t, target, create("ann", set(`emails[type eq "work"].value`, directory.Text("x@y")), set("password", directory.Text("p")))).ID
	if got := find(t, target, userName, "ANN"); got != nil {
		t.Errorf("a case-exact search finds %v", got)
	}
	send(t, target, create("ANN"))
	if _, err := target.Send(t.Context(), create("bob", set(`emails[type eq "work"].value`, directory.Text("X@Y")))); connector.ClassOf(err) != connector.Conflict {
		t.Errorf("a taken e-mail address gives %v", err)
	}
	account, _ := target.Get(t.Context(), directory.User, id, []directory.Path{password})
	if _, told := account.Values["password"]; told || !account.Unreadable["password"] {
		t.Errorf("Get gives %v", account)
	}
	if _, err := target.Find(t.Context(), directory.User, directory.MustPath("title"), directory.Text("x"), nil); !errors.Is(err, connector.ErrCannotFilter) {
		t.Errorf("an attribute without filter gives %v", err)
	}
	if _, err := target.List(t.Context(), directory.User, nil, nil); connector.ClassOf(err) != connector.Rejected {
		t.Errorf("List gives %v", err)
	}
	off := false
	for _, operation := range []connector.Operation{
		{Kind: connector.Delete, Type: directory.User, ID: id},
		{Kind: connector.Update, Type: directory.User, ID: id, Enabled: &off},
	} {
		if _, err := target.Send(t.Context(), operation); connector.ClassOf(err) != connector.Rejected {
			t.Errorf("%s gives %v", operation, err)
		}
	}
	if fresh := memory.DefaultSchema(); fmt.Sprint(fresh) == fmt.Sprint(schema) {
		t.Error("the options changed the schema of everybody")
	}
}

func TestIDsDoNotDependOnOrder(t *testing.T) {
	made := func(names []string) map[string]string {
		target := memory.New(memory.Options{})
		ids := map[string]string{}
		for _, name := range names {
			ids[name] = send(t, target, create(name)).ID
		}
		return ids
	}
	if a, b := made([]string{"ann", "bob"}), made([]string{"bob", "ann"}); fmt.Sprint(a) != fmt.Sprint(b) || a["ann"] == a["bob"] {
		t.Errorf("ids are %v and %v", a, b)
	}
}

func TestCancelledDoesNothing(t *testing.T) {
	target := memory.New(memory.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := target.Send(ctx, create("ann")); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	if len(target.Accounts(directory.User)) != 0 {
		t.Error("a cancelled create made an account")
	}
}

func TestConcurrentUse(t *testing.T) {
	target := memory.New(memory.Options{})
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			name := fmt.Sprint(i % 10)
			if _, err := target.Send(t.Context(), create(name)); err != nil && connector.ClassOf(err) != connector.Conflict {
				t.Error(err)
			}
			if got := find(t, target, userName, name); len(got) != 1 {
				t.Errorf("%s is found %d times", name, len(got))
			}
		})
	}
	wg.Wait()
	if got := len(target.Accounts(directory.User)); got != 10 {
		t.Errorf("there are %d accounts", got)
	}
}
