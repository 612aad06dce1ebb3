package catalog

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

const tableReleased store.Table = "released" // app's id: Released

// Released is the configuration that an app's cycles run on: copies of the
// pieces as they were when they took effect together (decisions 4).
type Released struct {
	Source      *config.Source                `json:"source,omitempty"`
	App         *config.App                   `json:"app,omitempty"`
	Mappings    map[string]*config.Mapping    `json:"mappings,omitempty"` // by id
	Filters     map[string]*config.Filter     `json:"filters,omitempty"`
	Assignments map[string]*config.Assignment `json:"assignments,omitempty"`
	// Listed are the revisions that the job listed when it was last applied;
	// Left those that it listed before and no longer does: pieces that go.
	Listed []string `json:"listed,omitempty"`
	Left   []string `json:"left,omitempty"`
}

// Digest tells configurations apart, assignments included.
func (r *Released) Digest() string { return r.digest(true) }

// Shape tells apart what an initial cycle is needed for: all but assignments,
// a change of which is a source change for those it concerns.
func (r *Released) Shape() string { return r.digest(false) }

func (r *Released) digest(assignments bool) string {
	var revisions []string
	for _, piece := range r.Pieces() {
		if _, is := piece.(*config.Assignment); is && !assignments {
			continue
		}
		revisions = append(revisions, piece.Revision())
	}
	if len(revisions) == 0 {
		return ""
	}
	slices.Sort(revisions)
	data, err := json.Marshal(revisions)
	if err != nil {
		panic(fmt.Sprintf("catalog: revisions cannot be digested: %v", err)) // texts always can
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:6])
}

// Pieces lists the pieces, source and app first.
func (r *Released) Pieces() []config.Thing {
	var pieces []config.Thing
	if r.Source != nil {
		pieces = append(pieces, r.Source)
	}
	if r.App != nil {
		pieces = append(pieces, r.App)
	}
	for _, id := range slices.Sorted(maps.Keys(r.Mappings)) {
		pieces = append(pieces, r.Mappings[id])
	}
	for _, id := range slices.Sorted(maps.Keys(r.Filters)) {
		pieces = append(pieces, r.Filters[id])
	}
	for _, id := range slices.Sorted(maps.Keys(r.Assignments)) {
		pieces = append(pieces, r.Assignments[id])
	}
	return pieces
}

func (r *Released) put(piece config.Thing) {
	switch x := piece.(type) {
	case *config.Source:
		r.Source = x
	case *config.App:
		r.App = x
	case *config.Mapping:
		set(&r.Mappings, x.ID, x)
	case *config.Filter:
		set(&r.Filters, x.ID, x)
	case *config.Assignment:
		set(&r.Assignments, x.ID, x)
	}
}

func set[T any](m *map[string]T, id string, value T) {
	if *m == nil {
		*m = make(map[string]T)
	}
	(*m)[id] = value
}

// Released gives the configuration in force of an app; an empty one before the
// first release.
func (c Catalog) Released(appID string) (*Released, error) {
	data, err := c.r.Get(tableReleased, store.Key(appID))
	if err != nil {
		return nil, err
	}
	released := &Released{}
	if data == nil {
		return released, nil
	}
	if err := json.Unmarshal(data, released); err != nil {
		return nil, fmt.Errorf("the released configuration of app %s is damaged: %w", appID, err)
	}
	return released, nil
}

// PutReleased gives the mutation that puts a configuration in force.
func (c Catalog) PutReleased(appID string, released *Released) (store.Mutation, error) {
	data, err := json.Marshal(released)
	if err != nil {
		return store.Mutation{}, err
	}
	return store.Put(tableReleased, store.Key(appID), data), nil
}

// DropReleased gives the mutation that forgets an app's configuration.
func (c Catalog) DropReleased(appID string) store.Mutation {
	return store.Delete(tableReleased, store.Key(appID))
}

// Declared gives all pieces of an app as they are declared now.
func (c Catalog) Declared(appID string) (*Released, error) {
	thing, err := c.Get(config.KindApp, appID)
	if err != nil {
		return nil, err
	}
	declared := &Released{App: thing.(*config.App)}
	source, err := c.Get(config.KindSource, declared.App.SourceID)
	switch {
	case err == nil:
		declared.Source = source.(*config.Source)
	case !errors.Is(err, ErrNotFound):
		return nil, err
	}
	for _, kind := range []config.Kind{config.KindMapping, config.KindFilter, config.KindAssignment} {
		err := c.Each(kind, func(thing config.Thing) error {
			if thing.Identity().Parent == appID {
				declared.put(thing)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return declared, nil
}

// Release tells how pieces stand that are declared but not in force.
type Release struct {
	Next     *Released
	Pending  []string // revisions that wait for the job to be applied
	Unlisted []string // revisions that no job lists
}

// Plan gives the configuration that comes into force: of the declared pieces
// those whose revision is listed; of the others, what was in force stays while
// its revision is listed; what is not listed at all comes into force only when
// quiet is set, 10 s after the app's last change. A revision that left the list
// is a piece that goes, but for source and app, which a job cannot do without.
// A nil list lists nothing, and then nothing has left it.
func Plan(declared, before *Released, listed []string, quiet bool) Release {
	now := make(map[string]bool, len(listed))
	for _, revision := range listed {
		now[revision] = true
	}
	left := make(map[string]bool)
	if listed != nil {
		for _, revision := range append(slices.Clone(before.Left), before.Listed...) {
			left[revision] = !now[revision]
		}
	}
	goes := func(piece config.Thing) bool {
		switch piece.(type) {
		case *config.Source, *config.App:
			return false
		}
		return left[piece.Revision()]
	}
	next := &Released{Listed: slices.Clone(listed)}
	release := Release{Next: next}
	inForce := byID(before)
	current := byID(declared)
	for _, id := range slices.Sorted(maps.Keys(current)) {
		piece, old := current[id], inForce[id]
		revision := piece.Revision()
		switch {
		case now[revision]:
			next.put(piece)
		case old != nil && now[old.Revision()]:
			next.put(old) // the job lists it as it was: half an apply
			release.Pending = append(release.Pending, revision)
		case goes(piece):
			// It is not declared much longer. Its revision is remembered until then:
			// the same declared again later is another piece.
			next.Left = append(next.Left, revision)
		default:
			release.Unlisted = append(release.Unlisted, revision)
			switch {
			case quiet:
				next.put(piece)
			case old != nil:
				next.put(old)
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(inForce)) {
		old := inForce[id]
		_, still := current[id]
		if still || !now[old.Revision()] && (quiet || left[old.Revision()]) {
			continue
		}
		next.put(old) // destroyed, and the job does not know yet
		release.Pending = append(release.Pending, old.Revision())
	}
	slices.Sort(next.Left)
	return release
}

func byID(r *Released) map[string]config.Thing {
	pieces := make(map[string]config.Thing)
	for _, piece := range r.Pieces() {
		pieces[piece.GetID()] = piece
	}
	return pieces
}
