package connector

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// previewPrefix begins the ids of accounts that were made in a dry run.
const previewPrefix = "preview-"

// dryRun reads and pretends to write.
type dryRun struct {
	Target // what reads need no change: Describe, Test and Find

	mu     sync.Mutex
	listed map[string]bool
	made   map[string]int
}

var _ Target = (*dryRun)(nil)

// DryRun gives a Target that reads from the target and writes nothing: Send
// answers as if all had gone well. Accounts that it pretends to create are
// called preview-<type>-<n>, by the order of the calls, and Get knows them
// without values. Each object type can be listed once: a preview of a large
// app costs it no more than that.
func DryRun(target Target) Target {
	return &dryRun{Target: target, listed: map[string]bool{}, made: map[string]int{}}
}

func (d *dryRun) List(ctx context.Context, typ string, want []directory.Path, yield func(Account) error) (bool, error) {
	d.mu.Lock()
	again := d.listed[typ]
	d.listed[typ] = true
	d.mu.Unlock()
	if again {
		return false, &Error{Class: Rejected, Code: "InternalError", Detail: fmt.Sprintf("a dry run lists the accounts of type %s once, and has done so", typ)}
	}
	return d.Target.List(ctx, typ, want, yield)
}

func (d *dryRun) Get(ctx context.Context, typ, id string, want []directory.Path) (Account, error) {
	if strings.HasPrefix(id, previewPrefix) {
		return Account{Type: typ, ID: id, Values: map[string]directory.Value{}}, nil
	}
	return d.Target.Get(ctx, typ, id, want)
}

func (d *dryRun) Send(ctx context.Context, operation Operation) (Receipt, error) {
	if err := ctx.Err(); err != nil {
		return Receipt{}, cancelled(err)
	}
	if operation.Kind != Create {
		return Receipt{ID: operation.ID}, nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.made[operation.Type]++
	return Receipt{ID: fmt.Sprintf("%s%s-%d", previewPrefix, operation.Type, d.made[operation.Type])}, nil
}
