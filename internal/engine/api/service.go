// Package api is the border between the engine and those who use it from
// outside: the provider and the command line. It holds the interface Service,
// the wire types, and the HTTP handlers that carry it as JSON under /v1.
package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
)

// Service is everything that can be asked of an engine. The engine implements
// it, and so does the client that reaches an engine through its agent. Errors
// are *Error.
type Service interface {
	// Generation tells which generation a new thing of that name would have,
	// and the id of the one that exists. It changes nothing.
	Generation(ctx context.Context, identity config.Identity) (Generation, error)

	// Check tells what Create or Update would refuse of a piece of an app, by
	// what the app's source and the app have now, while the piece, its app and
	// its source are but planned, and what a plan should say of it. It changes
	// nothing. What cannot be told yet, since source or app cannot be asked before
	// a credential is stored, is not refused.
	Check(ctx context.Context, request CheckRequest) ([]Warning, error)

	// Create stores a thing, whose id must be the one that its identity and
	// generation give; an empty id is filled in. CodeExists when there is one of
	// its name, after waiting up to 10 s for one that is being destroyed.
	// Sources, apps and credentials are tested first and not saved when the test
	// fails. The thing comes back as stored.
	Create(ctx context.Context, thing config.Thing, secrets config.Secrets) (config.Thing, error)
	// Update replaces a thing of the same id. Nil secrets leave them as they are.
	Update(ctx context.Context, thing config.Thing, secrets config.Secrets) (config.Thing, error)
	// Delete removes a thing; what is gone is no error. CodeInUse names who uses
	// it.
	Delete(ctx context.Context, kind config.Kind, id string) error
	// Get gives a thing, CodeNotFound when there is none.
	Get(ctx context.Context, kind config.Kind, id string) (config.Thing, error)
	// List gives the things of a kind, all or those that meet the query.
	List(ctx context.Context, kind config.Kind, query ListQuery) ([]config.Thing, error)

	// SourceSchema tells which attributes the objects of a source have now. Those
	// that have an alias stand under it as well.
	SourceSchema(ctx context.Context, sourceID string) (directory.Schema, error)
	// TargetSchema tells which attributes the accounts of an app have now, as the
	// app, else its connector, says.
	TargetSchema(ctx context.Context, appID string) (directory.Schema, error)

	// Status tells of an app's job. An app without a job has one that has not
	// run.
	Status(ctx context.Context, appID string) (status.Job, error)
	// Warnings tells what a plan should say about an app: an operator's pause,
	// held removals, pieces that no job lists, actions that contradict the
	// policy. Each has a title of its own.
	Warnings(ctx context.Context, appID string) ([]Warning, error)
	// Audit queries the provisioning log, newest first.
	Audit(ctx context.Context, query audit.Query) ([]audit.Entry, error)
	// FollowAudit gives entries as they are written until ctx ends.
	FollowAudit(ctx context.Context, query audit.Query, yield func(audit.Entry) error) error
	// Accounts gives the linked accounts that meet the query, by the apps' names,
	// users first, ascending by the objects' ids. An error of yield ends it and is
	// its own.
	Accounts(ctx context.Context, query status.AccountQuery, yield func(status.Account) error) error
	// Unmatched tells which accounts of an app match nobody in scope, and who may
	// be meant by each. It needs no job, and nothing is written anywhere.
	Unmatched(ctx context.Context, appID string, progress func(status.Progress)) (status.Unmatched, error)
	// Preview tells what a cycle would do now. Nothing is written anywhere.
	Preview(ctx context.Context, appID string, request PreviewRequest, progress func(status.Progress)) (status.Preview, error)

	// Wait blocks until the awaited cycle has ended, and says how. The outcome
	// is no error; an ended ctx is.
	Wait(ctx context.Context, appID string, request WaitRequest, progress func(status.Progress)) (WaitResult, error)
	// StartJob lifts a pause or quarantine and runs a cycle at once.
	StartJob(ctx context.Context, appID, by string) error
	// PauseJob stops the job after the objects in hand.
	PauseJob(ctx context.Context, appID, by string) error
	// RestartJob forgets the parts of config.RestartScopes that scope names (nil:
	// config.DefaultRestartScope) and begins an initial cycle.
	RestartJob(ctx context.Context, appID, by string, scope []string) error
	// ApproveRemovals lets a held set go, named by its digest.
	ApproveRemovals(ctx context.Context, appID, by, digest string) error
	// DropLink forgets the link of one account, which it gives as it was, and an
	// escrow, approval or held removal with it. Nothing is sent: the next cycle
	// looks for the object's account by matching. CodeNotFound and CodeAmbiguous
	// when the request does not name one link, CodeConflict while the outcome of a
	// write to the account is not known.
	DropLink(ctx context.Context, appID string, request DropLinkRequest) (status.Account, error)
	// Provision carries out the decision about single objects now.
	Provision(ctx context.Context, appID string, request ProvisionRequest) ([]ProvisionResult, error)
	// TestConnection tries a source or app as it is stored.
	TestConnection(ctx context.Context, kind config.Kind, id string) ([]connector.Finding, error)

	// Backup writes a consistent copy of the store.
	Backup(ctx context.Context, to io.Writer) error
	// Identity tells which store this is.
	Identity(ctx context.Context) (Identity, error)
}

// Generation is what Service.Generation answers.
type Generation struct {
	Next       int64  `json:"next"`
	ID         string `json:"id"`                    // of a new thing
	ExistingID string `json:"existing_id,omitempty"` // of the one that exists
}

// CheckRequest is a piece of an app as it is planned, with the app and the
// source as they are planned. Exactly one piece is given.
type CheckRequest struct {
	Source     *config.Source     `json:"source"`
	App        *config.App        `json:"app"`
	Mapping    *config.Mapping    `json:"mapping,omitempty"`
	Filter     *config.Filter     `json:"filter,omitempty"`
	Assignment *config.Assignment `json:"assignment,omitempty"`
}

// ListQuery narrows a List. Empty fields match all.
type ListQuery struct {
	Name  string `json:"name,omitempty"`
	AppID string `json:"app_id,omitempty"`
}

// Warning is something that a plan should show.
type Warning struct {
	Summary string `json:"summary"`
	Detail  string `json:"detail"`
}

// PreviewRequest says what to preview: the configuration in force, or, with
// Pending, the declared one as it would be after its release.
type PreviewRequest struct {
	Pending bool `json:"pending,omitempty"`
	// Fresh reads the source first, into the overlay.
	Fresh bool `json:"fresh,omitempty"`
	// Limit bounds how many changes are listed; 0: 1000.
	Limit int `json:"limit,omitempty"`
}

// WaitRequest says which cycle to wait for.
type WaitRequest struct {
	For string `json:"for"` // "initial_cycle" or "next_cycle"
	// Revisions are recorded as met when the wait succeeds.
	Revisions []string `json:"revisions,omitempty"`
}

// WaitResult says how a wait ended.
type WaitResult struct {
	Succeeded bool         `json:"succeeded"`
	Cycle     status.Cycle `json:"cycle"`
	// Reason and Advice say why it did not succeed.
	Reason string `json:"reason,omitempty"`
	Advice string `json:"advice,omitempty"`
	// Warnings are failures of single objects and held removals.
	Warnings []Warning `json:"warnings,omitempty"`
}

// ProvisionRequest names the objects to provision: users by id, user name or
// mail, groups by id or display name.
type ProvisionRequest struct {
	Users  []string `json:"users,omitempty"`
	Groups []string `json:"groups,omitempty"`
	DryRun bool     `json:"dry_run,omitempty"`
	By     string   `json:"by,omitempty"`
}

// ProvisionResult is what was done for one object, with its five steps.
type ProvisionResult struct {
	Entry audit.Entry `json:"entry"`
}

// Identity tells which store answers.
type Identity struct {
	StoreID string `json:"store_id"`
	DataDir string `json:"data_dir"`
}

// Version of the API. A client refuses an agent of another one.
const Version = 1

// Handshake is what an agent tells of itself.
type Handshake struct {
	API         int       `json:"api"`
	Version     string    `json:"version"` // of the program
	Build       string    `json:"build"`   // digest of the binary
	StoreSchema int       `json:"store_schema"`
	StoreID     string    `json:"store_id"`
	DataDir     string    `json:"data_dir"`
	PID         int       `json:"pid"`
	StartedAt   time.Time `json:"started_at"`
	// JobsUnattendedSince is set when this agent found jobs that were on and had
	// no agent for a while before it started.
	JobsUnattendedSince time.Time `json:"jobs_unattended_since,omitzero"`
	// Listen is the address that the agent serves the network on, if it does.
	Listen string `json:"listen,omitempty"`
}

// Code classifies an Error.
type Code string

// The codes.
const (
	CodeInvalid          Code = "invalid"           // the thing itself is wrong
	CodeNotFound         Code = "not_found"         // no thing of that id or name
	CodeExists           Code = "exists"            // a thing of that name exists; ID is its id
	CodeInUse            Code = "in_use"            // another thing refers to it
	CodeConnectionFailed Code = "connection_failed" // the test on saving failed
	CodeAmbiguous        Code = "ambiguous"         // a name meant several objects
	CodeConflict         Code = "conflict"          // the state does not allow it now
	CodeUnavailable      Code = "unavailable"       // the agent cannot be reached or is ending
	CodeIncompatible     Code = "incompatible"      // agent and client do not fit
	CodeUnauthorized     Code = "unauthorized"      // the agent does not accept the caller's token
	CodeInternal         Code = "internal"          // a fault of ours
)

// Error is every error of a Service. It holds no secret.
type Error struct {
	Code    Code     `json:"code"`
	Summary string   `json:"summary"`          // what failed, with the object
	Detail  string   `json:"detail,omitempty"` // why
	Advice  string   `json:"advice,omitempty"` // what to do, an imperative
	Path    []string `json:"path,omitempty"`   // the attribute in HCL
	ID      string   `json:"id,omitempty"`     // of the thing concerned
	// Problems are the single faults of an invalid thing.
	Problems config.Problems `json:"problems,omitempty"`
}

func (e *Error) Error() string {
	text := e.Summary
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	if e.Advice != "" {
		text = strings.TrimSuffix(text, ".") + ". " + e.Advice
	}
	return text
}

// Errorf makes an Error whose detail is formatted.
func Errorf(code Code, summary, format string, args ...any) *Error {
	return &Error{Code: code, Summary: summary, Detail: fmt.Sprintf(format, args...)}
}

// IsNotFound reports whether an error says that there is no such thing.
func IsNotFound(err error) bool {
	var told *Error
	return errors.As(err, &told) && told.Code == CodeNotFound
}
