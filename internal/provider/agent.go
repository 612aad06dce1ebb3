package provider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/agent/client"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
)

// Options say which engine to reach: that of Endpoint, else that of DataDir.
type Options struct {
	DataDir  string // absolute; empty: the default
	Endpoint client.Endpoint
	Version  string // of the provider
}

// Connect reaches the engine, starting its agent when there is none.
type Connect func(ctx context.Context, options Options) (api.Service, error)

// agent is the way of all resources and data sources of one provider
// configuration to their engine. It connects at first use.
type agent struct {
	connect Connect
	options Options
	unknown bool // where the engine is, is not known yet

	mu       sync.Mutex
	service  api.Service
	refused  error // of an endpoint that could not be reached
	identity api.Identity
	planned  map[string]config.Thing
	creating map[string]bool  // ids of what is planned to be created
	kept     map[string]bool  // ids of what is in the state
	notices  diag.Diagnostics // about the agent itself, not told yet
}

// errUnknownAgent says that the provider's own configuration is not known yet.
var errUnknownAgent = errors.New("the provider's own configuration is not known yet")

// remote reports whether the engine is on another machine, whose files are not
// those of this one.
func (a *agent) remote() bool { return a != nil && a.options.Endpoint.URL != "" }

// placeless reports whether it is not known yet where the engine is.
func (a *agent) placeless() bool { return a == nil || a.unknown }

// reach gives the engine, and tells what there is to say of its agent. It is
// errUnknownAgent while it is not known where the engine is.
func (a *agent) reach(ctx context.Context, diags *diag.Diagnostics) (api.Service, error) {
	service, err := a.dial(ctx)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	diags.Append(a.notices...)
	a.notices = nil
	return service, nil
}

func (a *agent) dial(ctx context.Context) (api.Service, error) {
	if a.placeless() {
		return nil, errUnknownAgent
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.service != nil:
		return a.service, nil
	case a.refused != nil:
		return nil, a.refused
	}
	service, err := a.connect(ctx, a.options)
	if err != nil {
		if a.remote() && ctx.Err() == nil { // one resource after the other would wait for the same time-out
			a.refused = err
		}
		return nil, err
	}
	identity, err := service.Identity(ctx)
	if err != nil {
		return nil, err
	}
	a.service, a.identity = service, identity
	a.notices = noticesOf(service, identity.DataDir)
	return service, nil
}

// process is an engine in an agent that its connection may have started.
type process interface {
	Started() bool
	Handshake() api.Handshake
}

// noticesOf says what follows from having had to start an agent. The process
// that started it is the only one of a run that says so.
func noticesOf(service api.Service, dataDir string) diag.Diagnostics {
	var notices diag.Diagnostics
	started, ok := service.(process)
	if !ok || !started.Started() {
		return nil
	}
	if since := started.Handshake().JobsUnattendedSince; !since.IsZero() {
		notices.AddWarning("Nobody kept the jobs since "+since.UTC().Format("2006-01-02 15:04:05 MST"), fmt.Sprintf(
			"No agent ran on data directory %q, so that no cycle ran. The provider has started one, and the jobs go on. "+
				"Nothing starts it when the machine does: let a service manager run \"agent run\", as \"agent install\" sets it up.", dataDir))
	}
	if os.Getenv("CI") == "true" {
		notices.AddWarning("The agent may end with this CI job", fmt.Sprintf(
			"The provider has started an agent on data directory %q of this machine. CI systems end what a job leaves behind, "+
				"and no cycle runs then. Run one agent as a service on a machine that stays, with \"agent install --listen\", and let "+
				"endpoint in the provider's configuration, or %s, lead all jobs to it.", dataDir, client.EndpointVariable))
	}
	return notices
}

// claim notes that a thing of that id is to be created, and reports whether it
// is the first time. Terraform plans each resource once with an agent of its
// own, so that a second time is a second resource.
func (a *agent) claim(id string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.creating[id] {
		return false
	}
	if a.creating == nil {
		a.creating = map[string]bool{}
	}
	a.creating[id] = true
	return true
}

// keep notes that a thing is in the state.
func (a *agent) keep(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.kept == nil {
		a.kept = map[string]bool{}
	}
	a.kept[id] = true
}

// isKept reports whether a thing was met in the state so far. Terraform plans a
// replacement right after what it replaces, but gives no order to others.
func (a *agent) isKept(id string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.kept[id]
}

// plan remembers a thing as it is planned, so that what is planned after it can
// be checked against it before it exists.
func (a *agent) plan(thing config.Thing) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.planned == nil {
		a.planned = map[string]config.Thing{}
	}
	a.planned[thing.GetID()] = thing
}

// thing gives a thing as it is planned, else as the engine has it, else nil.
func (a *agent) thing(ctx context.Context, kind config.Kind, id string) config.Thing {
	if id == "" {
		return nil
	}
	service, err := a.dial(ctx)
	if err != nil {
		return nil
	}
	a.mu.Lock()
	planned := a.planned[id]
	a.mu.Unlock()
	if planned != nil {
		return planned
	}
	thing, err := service.Get(ctx, kind, id)
	if err != nil {
		return nil
	}
	return thing
}

// of gives an app and its source as they are planned, else as the engine has
// them; nil for what cannot be told.
func (a *agent) of(ctx context.Context, appID string) (*config.App, *config.Source) {
	app, ok := a.thing(ctx, config.KindApp, appID).(*config.App)
	if !ok {
		return nil, nil
	}
	source, _ := a.thing(ctx, config.KindSource, app.SourceID).(*config.Source)
	return app, source
}

// storeKey is where private state names the store that a thing is in.
const storeKey = "store"

type privateReader interface {
	GetKey(ctx context.Context, key string) ([]byte, diag.Diagnostics)
}

type privateWriter interface {
	SetKey(ctx context.Context, key string, value []byte) diag.Diagnostics
}

// markStore notes in private state which store a thing is in. The engine must
// have been reached.
func (a *agent) markStore(ctx context.Context, private privateWriter) diag.Diagnostics {
	data, err := json.Marshal(a.identity)
	if err != nil {
		return diag.Diagnostics{diag.NewErrorDiagnostic("Cannot note the store", err.Error())}
	}
	return private.SetKey(ctx, storeKey, data)
}

// checkStore refuses a thing that was made in another store: there, it is not
// gone, and nothing must be made again because it is missing here.
func (a *agent) checkStore(ctx context.Context, private privateReader, what string) diag.Diagnostics {
	data, diags := private.GetKey(ctx, storeKey)
	if diags.HasError() || len(data) == 0 {
		return diags
	}
	var made api.Identity
	if err := json.Unmarshal(data, &made); err != nil {
		diags.AddError("Cannot tell the store of "+what, "The private state is damaged: "+err.Error()+". Restore the state from a backup.")
		return diags
	}
	if made.StoreID != a.identity.StoreID {
		diags.AddError(fmt.Sprintf("The store of %s is another one", what), fmt.Sprintf(
			"It was made in store %s of data directory %q, and the provider now reaches store %s of data directory %q. "+
				"Nothing was changed.\n\n"+
				"Set data_dir or endpoint (or %s or %s) back to where the first store is, or bring it back with \"agent restore\". "+
				"If that store is lost for good, take what was in it out of the state with \"terraform state rm\" and declare it anew: "+
				"existing accounts are found by matching.",
			made.StoreID, made.DataDir, a.identity.StoreID, a.identity.DataDir, dataDirVariable, client.EndpointVariable))
	}
	return diags
}
