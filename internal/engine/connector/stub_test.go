package connector_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stub answers every call by one function, which is told the method and the
// call's number among all, from 1. List gives accounts first.
type stub struct {
	answer   func(ctx context.Context, method connector.Method, n int) error
	accounts int
	calls    atomic.Int64
	mu       sync.Mutex
	at       []time.Time // of each call
}

var _ connector.Target = (*stub)(nil)

func (s *stub) call(ctx context.Context, method connector.Method) error {
	s.mu.Lock()
	s.at = append(s.at, time.Now())
	s.mu.Unlock()
	n := int(s.calls.Add(1))
	if s.answer == nil {
		return nil
	}
	return s.answer(ctx, method, n)
}

func (s *stub) Describe(ctx context.Context) (connector.Features, directory.Schema, error) {
	return connector.Features{Connection: "stub"}, directory.Schema{}, s.call(ctx, connector.MethodDescribe)
}

func (s *stub) Test(ctx context.Context, _ map[string]directory.Path) ([]connector.Finding, error) {
	return nil, s.call(ctx, connector.MethodTest)
}

func (s *stub) List(ctx context.Context, _ string, _ []directory.Path, yield func(connector.Account) error) (bool, error) {
	for range s.accounts {
		if err := yield(connector.Account{ID: "1"}); err != nil {
			return false, err
		}
	}
	err := s.call(ctx, connector.MethodList)
	return err == nil, err
}

func (s *stub) Find(ctx context.Context, _ string, _ directory.Path, _ directory.Value, _ []directory.Path) ([]connector.Account, error) {
	return nil, s.call(ctx, connector.MethodFind)
}

func (s *stub) Get(ctx context.Context, _, id string, _ []directory.Path) (connector.Account, error) {
	return connector.Account{ID: id}, s.call(ctx, connector.MethodGet)
}

func (s *stub) Send(ctx context.Context, operation connector.Operation) (connector.Receipt, error) {
	return connector.Receipt{ID: operation.ID}, s.call(ctx, connector.MethodSend)
}

// failing answers every call with the same error.
func failing(err error) *stub {
	return &stub{answer: func(context.Context, connector.Method, int) error { return err }}
}

func failure(class connector.Class) *connector.Error {
	return &connector.Error{Class: class, Code: "Code" + string(class), Detail: "made to fail"}
}

// every names the methods and how to call each.
var every = map[connector.Method]func(context.Context, connector.Target) error{
	connector.MethodDescribe: func(ctx context.Context, t connector.Target) error {
		_, _, err := t.Describe(ctx)
		return err
	},
	connector.MethodTest: func(ctx context.Context, t connector.Target) error {
		_, err := t.Test(ctx, nil)
		return err
	},
	connector.MethodList: func(ctx context.Context, t connector.Target) error {
		_, err := t.List(ctx, directory.User, nil, func(connector.Account) error { return nil })
		return err
	},
	connector.MethodFind: find,
	connector.MethodGet: func(ctx context.Context, t connector.Target) error {
		_, err := t.Get(ctx, directory.User, "1", nil)
		return err
	},
	connector.MethodSend: send,
}

func find(ctx context.Context, t connector.Target) error {
	_, err := t.Find(ctx, directory.User, directory.MustPath("userName"), directory.Text("ann"), nil)
	return err
}

func send(ctx context.Context, t connector.Target) error {
	_, err := t.Send(ctx, connector.Operation{Kind: connector.Update, Type: directory.User, ID: "1"})
	return err
}
