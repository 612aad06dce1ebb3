package job

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/cycle"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/ledger"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/snapshot"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// NotFoundError says that a text names nobody in the source.
type NotFoundError struct{ Type, Text string }

func (e *NotFoundError) Error() string {
	return fmt.Sprintf("no %s in the source has the id, user name, mail or display name %q", strings.ToLower(e.Type), e.Text)
}

// AmbiguousError says that a text names several objects.
type AmbiguousError struct {
	Type, Text string
	Anchors    []string
}

func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("%q names several objects of type %s: %s", e.Text, e.Type, strings.Join(e.Anchors, ", "))
}

// Resolve finds the one object that a text names in a source, read afresh: by
// id, user name, mail or display name. It gives what was read of it.
func Resolve(ctx context.Context, source connector.Source, declared *config.Source, typ, text string) (directory.Key, []connector.Change, error) {
	names := []string{directory.ByAnchor, "userPrincipalName", "mail", "displayName"}
	if typ == directory.Group {
		names = []string{directory.ByAnchor, "displayName", "mail"}
	}
	aliases := declared.Aliases(typ)
	var anchors []string
	var read []connector.Change
	for _, name := range names {
		if own, ok := aliases[name]; ok {
			name = own
		}
		found, err := source.Find(ctx, typ, name, text)
		if err != nil {
			return directory.Key{}, nil, err
		}
		for _, change := range found {
			if change.Kind == connector.EdgeAdded || change.Kind == connector.EdgeRemoved {
				continue
			}
			if !slices.Contains(anchors, change.Object.Anchor) {
				anchors = append(anchors, change.Object.Anchor)
			}
		}
		read = append(read, found...)
		if name == directory.ByAnchor && len(anchors) == 1 {
			break // an id is never mistaken for somebody's name
		}
	}
	switch len(anchors) {
	case 0:
		return directory.Key{}, nil, &NotFoundError{typ, text}
	case 1:
		return directory.Key{Type: typ, Anchor: anchors[0]}, read, nil
	}
	return directory.Key{}, nil, &AmbiguousError{typ, text, anchors}
}

// Demand names what is provisioned on demand.
type Demand struct {
	Users, Groups []string
	DryRun        bool
	By            string
}

// Provision carries out the decision about single objects now. It works whether
// or not the job runs, and moves no position. A running cycle steps aside and
// goes on afterwards.
func (m *Manager) Provision(ctx context.Context, appID string, demand Demand) ([]audit.Entry, error) {
	r, err := m.runner(appID)
	if err != nil {
		return nil, err
	}
	released, job, err := r.previewed(false)
	if err != nil {
		return nil, err
	}
	source, err := m.OpenSource(ctx, released.Source)
	if err != nil {
		return nil, err
	}
	set := make(map[directory.Key]bool)
	var changes []connector.Change
	for _, asked := range []struct {
		typ   string
		texts []string
	}{{directory.User, demand.Users}, {directory.Group, demand.Groups}} {
		for _, text := range asked.texts {
			key, read, err := Resolve(ctx, source, released.Source, asked.typ, text)
			if err != nil {
				if key, err = r.known(released.Source.ID, asked.typ, text, err); err != nil {
					return nil, err
				}
			}
			set[key] = true
			changes = append(changes, read...)
		}
	}
	r.halt(errInterrupted)
	r.busy.Lock()
	defer r.busy.Unlock()
	defer r.rouse()
	var backing store.Store = m.Store
	if demand.DryRun {
		overlay := store.Overlay(m.Store)
		defer func() { _ = overlay.Close() }()
		backing = overlay
	}
	a := &activity{runner: r, job: job, released: released, store: backing, close: func() {}}
	defer func() { a.close() }()
	r.mu.Lock()
	a.state = *r.state
	r.mu.Unlock()
	a.snapshot = m.Snapshot(released.Source.ID)
	if demand.DryRun {
		a.snapshot = snapshot.Open(backing, released.Source.ID, snapshot.Options{Now: m.Clock.Now})
	}
	if err := a.snapshot.Merge(ctx, changes); err != nil {
		return nil, err
	}
	if err := a.mergeAssignedGroups(ctx, source, slices.SortedFunc(maps.Keys(set), directory.Key.Compare)); err != nil {
		return nil, err
	}
	a.cycle = status.Cycle{ID: m.NewID(), Kind: status.OnDemand, StartedAt: m.Clock.Now()}
	if err := a.openTarget(ctx); err != nil {
		return nil, err
	}
	if a.programs, err = programs(released, job, a.features, a.schema()); err != nil {
		return nil, err
	}
	a.ledger = ledger.Open(backing, appID, a.features.Connection)
	of := a.cycleJob(nil)
	of.InitiatedBy, of.LogAll = demand.By, true
	of.Threshold = config.Threshold{Count: -1, Percent: -1} // single objects that a person named
	log := &kept{log: m.Log, dry: demand.DryRun}
	environment := a.environment()
	environment.Log, environment.Progress = log, nil
	if demand.DryRun {
		environment.Target = connector.DryRun(a.target)
	}
	if _, err := cycle.Run(ctx, of, cycle.List(set), environment); err != nil {
		return nil, err
	}
	if !demand.DryRun {
		if err := a.keepLearned(ctx); err != nil {
			return nil, err
		}
	}
	return log.entries, nil
}

// mergeAssignedGroups reads the assigned groups, one by one, until everybody who
// is asked for is known to be assigned: whoever joined one since the source was
// last read, or before it ever was, is in scope with it.
func (a *activity) mergeAssignedGroups(ctx context.Context, source connector.Source, asked []directory.Key) error {
	entitled := entitlements(a.released)
	for _, assignment := range entitled.Assignments {
		if assignment.Object.Type != directory.Group {
			continue
		}
		var unknown []directory.Key
		for _, key := range asked {
			by, err := entitled.Of(a.snapshot, key)
			if err != nil {
				return err
			}
			if len(by) == 0 && key.Type == directory.User && !entitled.All {
				unknown = append(unknown, key)
			}
		}
		if asked = unknown; len(asked) == 0 {
			return nil
		}
		group, err := source.Find(ctx, directory.Group, directory.ByAnchor, assignment.Object.Anchor)
		if err != nil {
			return err
		}
		if err := a.snapshot.Merge(ctx, group); err != nil {
			return err
		}
	}
	return nil
}

// known finds an object that is no longer in the source by its id, so that one
// who left can be deprovisioned on demand.
func (r *runner) known(sourceID, typ, text string, otherwise error) (directory.Key, error) {
	key := directory.Key{Type: typ, Anchor: text}
	if _, ok, err := r.m.Snapshot(sourceID).Object(key); err != nil || !ok {
		return directory.Key{}, otherwise
	}
	return key, nil
}

// kept passes entries on and keeps them for the caller.
type kept struct {
	log     *audit.Log
	dry     bool
	mu      sync.Mutex
	entries []audit.Entry
}

// Mutations implements cycle.Log.
func (k *kept) Mutations(entries ...audit.Entry) ([]store.Mutation, error) {
	mutations, err := k.log.Mutations(entries...)
	if err != nil {
		return nil, err
	}
	if k.dry {
		mutations = nil
		for _, entry := range entries {
			for i, step := range entry.Steps {
				if step.Type == audit.StepExport && step.Status == audit.Success {
					entry.Steps[i].Description = "a dry run: nothing is sent"
				}
			}
		}
	}
	k.mu.Lock()
	k.entries = append(k.entries, entries...)
	k.mu.Unlock()
	return mutations, nil
}

// Append implements cycle.Log.
func (k *kept) Append(mutations []store.Mutation, entry audit.Entry) ([]store.Mutation, error) {
	more, err := k.Mutations(entry)
	return append(mutations, more...), err
}

// Wake implements cycle.Log.
func (k *kept) Wake() { k.log.Wake() }
