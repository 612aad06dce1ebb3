package connector_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/memory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

func TestDryRunWritesNothing(t *testing.T) {
	target := memory.New(memory.Options{})
	ann := target.Seed(directory.User, map[string]directory.Value{"userName": directory.Text("ann")})
	before := fmt.Sprint(target.Accounts(directory.User)[0].Values)
	dry := connector.DryRun(target)
	off := false
	var ids []string
	for _, operation := range []connector.Operation{
		{Kind: connector.Create, Type: directory.User},
		{Kind: connector.Create, Type: directory.Group},
		{Kind: connector.Create, Type: directory.User},
		{Kind: connector.Update, Type: directory.User, ID: ann, Enabled: &off},
		{Kind: connector.Update, Type: directory.User, ID: "preview-User-1", Enabled: &off},
		{Kind: connector.Delete, Type: directory.User, ID: ann},
	} {
		receipt, err := dry.Send(t.Context(), operation)
		if err != nil {
			t.Fatalf("%s: %v", operation, err)
		}
		ids = append(ids, receipt.ID)
	}
	if want := []string{"preview-User-1", "preview-Group-1", "preview-User-2", ann, "preview-User-1", ann}; !slices.Equal(ids, want) {
		t.Errorf("ids are %v, want %v", ids, want)
	}
	accounts := target.Accounts(directory.User)
	if len(accounts) != 1 || fmt.Sprint(accounts[0].Values) != before || target.Writes().Total != 0 {
		t.Errorf("the target has %v", accounts)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := dry.Send(ctx, connector.Operation{Kind: connector.Create, Type: directory.User}); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that has ended: %v", err)
	}
}

func TestDryRunReads(t *testing.T) {
	memory := memory.New(memory.Options{})
	ann := memory.Seed(directory.User, map[string]directory.Value{"userName": directory.Text("ann")})
	counted := connector.Count(memory)
	dry := connector.DryRun(counted)
	if features, _, err := dry.Describe(t.Context()); err != nil || features.Connection != "memory" {
		t.Errorf("Describe gives %v, %v", features, err)
	}
	found, err := dry.Find(t.Context(), directory.User, directory.MustPath("userName"), directory.Text("ann"), nil)
	if err != nil || len(found) != 1 || found[0].ID != ann {
		t.Errorf("Find gives %v, %v", found, err)
	}
	if account, err := dry.Get(t.Context(), directory.User, ann, nil); err != nil || account.ID != ann {
		t.Errorf("Get gives %v, %v", account, err)
	}
	if account, err := dry.Get(t.Context(), directory.User, "preview-User-1", nil); err != nil || account.ID != "preview-User-1" {
		t.Errorf("Get of a previewed account gives %v, %v", account, err)
	}
	if err := every[connector.MethodList](t.Context(), dry); err != nil {
		t.Errorf("the first List gives %v", err)
	}
	if err := every[connector.MethodList](t.Context(), dry); connector.ClassOf(err) != connector.Rejected {
		t.Errorf("the second List gives %v", err)
	}
	if _, err := dry.List(t.Context(), directory.Group, nil, nil); err != nil {
		t.Errorf("the List of another type gives %v", err)
	}
	want := map[connector.Method]int64{
		connector.MethodDescribe: 1, connector.MethodTest: 0, connector.MethodList: 2,
		connector.MethodFind: 1, connector.MethodGet: 1, connector.MethodSend: 0,
	}
	if got := counted.Calls(); fmt.Sprint(got) != fmt.Sprint(want) || counted.Total() != 5 {
		t.Errorf("the target was called %v, in all %d", got, counted.Total())
	}
}

func TestCountPassesOn(t *testing.T) {
	for method, call := range every {
		err := failure(connector.Gone)
		counted := connector.Count(failing(err))
		for range 3 {
			if got := call(t.Context(), counted); got != error(err) {
				t.Errorf("%s gives %v", method, got)
			}
		}
		if got := counted.Calls()[method]; got != 3 || counted.Total() != 3 {
			t.Errorf("%s is counted %d times, in all %d", method, got, counted.Total())
		}
	}
}
