// Package engine is the facade: it opens what an agent keeps in its data
// directory, wires the packages below it together, and answers what the API
// asks (api.Service).
package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/catalog"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/file"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/ldap"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/scim"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/gallery"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/job"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/secret"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// Names within the data directory.
const (
	auditDir = "audit"
	scratch  = "scratch"
)

// Options of Open.
type Options struct {
	DataDir string
	Version string
	Logger  *slog.Logger
	Clock   connector.Clock               // nil: the machine's
	Wrap    func(store.Store) store.Store // for tests: put around the store
	// Connectors beside or in place of the built-in ones, for tests.
	Connectors *connector.Registry
}

// Engine is one opened data directory.
type Engine struct {
	options    Options
	store      store.Store
	storeID    string
	catalog    catalog.Catalog
	keyring    *secret.Keyring
	log        *audit.Log
	jobs       *job.Manager
	registry   connector.Registry
	clock      connector.Clock
	unattended time.Time

	// declaring is held by whoever changes what is declared, so that what was
	// checked still holds when it is written.
	declaring sync.Mutex
	deleted   *deletions

	credentials credentials
}

// Builtin is the registry of the connectors that this program has.
func Builtin() connector.Registry {
	return connector.Registry{
		Sources: map[string]func(connector.Options) (connector.Source, error){"file": file.Open, "ldap": ldap.Open},
		Targets: map[string]func(connector.Options) (connector.Target, error){"scim": scim.Open},
	}
}

// Open opens a data directory, which is made when it is missing, and starts its
// jobs. A store that is damaged, or newer than this program, is refused and not
// changed. The error is an *api.Error.
func Open(options Options) (*Engine, error) {
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	if options.Clock == nil {
		options.Clock = connector.SystemClock()
	}
	e := &Engine{options: options, clock: options.Clock, registry: Builtin(), deleted: newDeletions()}
	e.credentials.inUse = make(map[string]connector.Credential)
	if options.Connectors != nil {
		e.registry = *options.Connectors
	}
	if err := e.open(); err != nil {
		_ = e.release() // the error that is told is the first
		return nil, openError(options.DataDir, err)
	}
	return e, nil
}

func (e *Engine) open() error {
	dir := e.options.DataDir
	for _, d := range []string{dir, filepath.Join(dir, scratch)} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return err
		}
	}
	if err := store.RemoveScratch(filepath.Join(dir, scratch)); err != nil {
		return err
	}
	path := filepath.Join(dir, store.FileName)
	s, err := store.Open(path, store.Options{Create: e.mayCreate(path)})
	if err != nil {
		return err
	}
	e.store = s
	if identified, ok := s.(store.Identified); ok {
		e.storeID = identified.Identity()
	}
	if e.options.Wrap != nil {
		e.store = e.options.Wrap(s)
	}
	e.catalog = catalog.Open(e.store)
	if e.keyring, err = secret.OpenKeyring(dir); err != nil {
		return err
	}
	if e.log, err = audit.Open(filepath.Join(dir, auditDir), e.store, audit.Options{Now: e.clock.Now}); err != nil {
		return err
	}
	if e.unattended, err = job.UnattendedSince(e.store); err != nil {
		return err
	}
	e.jobs, err = job.NewManager(job.Options{
		Store: e.store, Log: e.log, Clock: e.clock, Logger: e.options.Logger, Scratch: filepath.Join(dir, scratch),
		NewID:      func() string { return ulid.Make().String() },
		OpenSource: e.openSource, OpenTarget: e.openTarget,
	})
	return err
}

// mayCreate reports whether a store may be begun: not where the keyring of one
// that is gone still lies. A store that was lost is restored, or the directory
// emptied by a person, never begun afresh in silence (decisions 6).
func (e *Engine) mayCreate(path string) bool {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return true
	}
	_, err := os.Stat(filepath.Join(filepath.Dir(path), auditDir))
	return errors.Is(err, fs.ErrNotExist)
}

func openError(dir string, err error) error {
	e := &api.Error{Code: api.CodeInternal, Summary: fmt.Sprintf("Cannot open the data directory %s", dir), Detail: err.Error()}
	switch {
	case errors.Is(err, store.ErrNewer):
		e.Code, e.Advice = api.CodeIncompatible, "Install the version that wrote it, or a newer one. Nothing was changed."
	case errors.Is(err, store.ErrCorrupt):
		e.Advice = "Restore a backup with the command agent restore. Nothing was changed, and nothing is begun afresh."
	case errors.Is(err, store.ErrInUse):
		e.Code, e.Advice = api.CodeConflict, "Stop the other agent, or use another data directory."
	case errors.Is(err, fs.ErrNotExist):
		e.Advice = "The store of this directory is gone. Restore a backup with the command agent restore, or, when it is to begin afresh, choose an empty directory."
	case errors.Is(err, fs.ErrPermission):
		e.Advice = "Give the user that runs Terraform access to the directory, or set data_dir to another."
	}
	return e
}

// Close stops the jobs after the objects in hand and closes everything.
func (e *Engine) Close(ctx context.Context) error {
	done := make(chan error, 1)
	go func() {
		e.jobs.Close()
		err := e.jobs.Attended(context.WithoutCancel(ctx))
		done <- errors.Join(err, e.release())
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// release closes what was opened.
func (e *Engine) release() error {
	var errs []error
	if e.log != nil {
		errs = append(errs, e.log.Close())
	}
	if e.store != nil {
		errs = append(errs, e.store.Close())
	}
	return errors.Join(errs...)
}

// StoreID identifies the store.
func (e *Engine) StoreID() string { return e.storeID }

// StoreSchema gives the number of the store's layout.
func (e *Engine) StoreSchema() int { return store.Schema() }

// UnattendedSince gives when an agent last kept the jobs that are on; zero when
// there are none.
func (e *Engine) UnattendedSince() time.Time { return e.unattended }

// Identity implements api.Service.
func (e *Engine) Identity(context.Context) (api.Identity, error) {
	return api.Identity{StoreID: e.storeID, DataDir: e.options.DataDir}, nil
}

// Backup implements api.Service.
func (e *Engine) Backup(ctx context.Context, to io.Writer) error {
	if err := e.store.Backup(ctx, to); err != nil {
		return api.Errorf(api.CodeInternal, "Cannot copy the store", "%v.", err)
	}
	return nil
}

// openSource makes the connector of a declared source.
func (e *Engine) openSource(_ context.Context, source *config.Source) (connector.Source, error) {
	return e.openSourceWith(source, nil)
}

// openSourceWith does so with a credential that is not stored yet.
func (e *Engine) openSourceWith(source *config.Source, credential *connector.Credential) (connector.Source, error) {
	kind, block := source.Connector()
	options, err := e.connectorOptions(block, source.CredentialID, credential)
	if err != nil {
		return nil, err
	}
	return e.registry.OpenSource(kind, options)
}

// openTarget makes the connector of a declared app.
func (e *Engine) openTarget(_ context.Context, app *config.App) (connector.Target, error) {
	return e.openTargetWith(app, nil)
}

// openTargetWith does so with a credential that is not stored yet.
func (e *Engine) openTargetWith(app *config.App, credential *connector.Credential) (connector.Target, error) {
	template, err := gallery.Get(app.Template, app.TemplateRevision)
	if err != nil {
		return nil, err
	}
	kind, block := app.Connector()
	options, err := e.connectorOptions(block, app.CredentialID, credential)
	if err != nil {
		return nil, err
	}
	options.Dialect = template.Dialect
	return e.registry.OpenTarget(kind, options)
}

func (e *Engine) connectorOptions(block any, credentialID string, given *connector.Credential) (connector.Options, error) {
	connection, err := json.Marshal(block)
	if err != nil {
		return connector.Options{}, err
	}
	options := connector.Options{
		Connection: connection, UserAgent: "terraform-provider-provisioning/" + e.options.Version, Now: e.clock.Now, Sleep: e.clock.Sleep,
	}
	switch {
	case given != nil:
		options.Credential = *given
	case credentialID != "":
		if options.Credential, err = e.credential(credentialID); err != nil {
			return connector.Options{}, err
		}
	}
	return options, nil
}
