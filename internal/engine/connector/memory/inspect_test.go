package memory_test

import (
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/memory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

func TestOthersChangeAccounts(t *testing.T) {
	target := memory.New(memory.Options{SearchLag: -1})
	boss := target.Seed(directory.User, map[string]directory.Value{"userName": directory.Text("boss")})
	ann := target.Seed(directory.User, map[string]directory.Value{"userName": directory.Text("ann"), manager: directory.Text(boss)})
	if got := find(t, target, userName, "ann"); len(got) != 1 {
		t.Errorf("a seeded account is not seen: %v", got)
	}
	target.Edit(directory.User, ann, map[string]directory.Value{"userName": directory.Text("anna"), "title": directory.Text("x")})
	target.Edit(directory.User, ann, map[string]directory.Value{"title": directory.Null})
	account, _ := target.Account(directory.User, ann)
	if _, has := account.Values["title"]; has || account.Values["userName"].String() != "anna" || account.Values[manager].String() != boss {
		t.Errorf("the account is %v", account.Values)
	}
	target.Drop(directory.User, boss)
	target.Drop(directory.User, boss)
	account, _ = target.Account(directory.User, ann)
	if value, has := account.Values[manager]; has {
		t.Errorf("a manager who is gone is still told: %v", value)
	}
	if writes := target.Writes(); writes.Total != 0 {
		t.Errorf("what others do is counted: %+v", writes)
	}
}

func TestWritesBeginAnew(t *testing.T) {
	target := memory.New(memory.Options{})
	id := send(t, target, create("ann")).ID
	before := target.Writes()
	target.ResetWrites()
	send(t, target, connector.Operation{Kind: connector.Update, Type: directory.User, ID: id})
	if before.ByKind[connector.Create] != 1 || before.ByKind[connector.Update] != 0 {
		t.Errorf("writes that were given changed: %+v", before)
	}
	if after := target.Writes(); after.Total != 1 || after.ByKind[connector.Create] != 0 || after.ByID[id] != 1 {
		t.Errorf("writes are %+v", after)
	}
}

func TestMistakesOfATestPanic(t *testing.T) {
	target := memory.New(memory.Options{})
	for name, mistake := range map[string]func(){
		"unknown attribute": func() { memory.New(memory.Options{Unique: memory.Paths{directory.User: {"nick"}}}) },
		"unknown type":      func() { target.Accounts("Robot") },
		"no name":           func() { target.Seed(directory.User, nil) },
		"nobody":            func() { target.Edit(directory.User, "1", nil) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			mistake()
		})
	}
}
