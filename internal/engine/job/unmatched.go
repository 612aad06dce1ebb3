package job

import (
	"context"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/cycle"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
)

// Unmatched compares the accounts of an app with the objects of its source, on
// the configuration in force, or, before the first release, on the declared
// one. It needs no job and writes nothing, neither here nor in the app.
func (m *Manager) Unmatched(ctx context.Context, appID string, progress func(status.Progress)) (status.Unmatched, error) {
	a, err := m.rehearse(ctx, appID, PreviewOptions{Fresh: true})
	if err != nil {
		return status.Unmatched{}, err
	}
	defer a.close()
	of := a.cycleJob(nil)
	keys, err := cycle.Everything(a.snapshot, a.ledger, of.Entitled)
	if err != nil {
		return status.Unmatched{}, err
	}
	environment := a.environment()
	environment.Target, environment.Progress = connector.DryRun(a.target), progress
	return cycle.Unmatched(ctx, of, keys, environment)
}
