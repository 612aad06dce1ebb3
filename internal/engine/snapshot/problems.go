package snapshot

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// Problem is an object, or a place in the source, that could not be read.
type Problem struct {
	connector.Problem
	Since time.Time
}

// Problems gives up to limit problems of the source: of objects, and of places
// where no object could be told, whose Key has no anchor.
func (s *Snapshot) Problems(limit int) ([]Problem, error) {
	prefix := store.Prefix(s.source)
	rows, err := s.store.Page(tableProblems, prefix, store.Successor(prefix), limit)
	if err != nil {
		return nil, err
	}
	problems := make([]Problem, 0, len(rows))
	for _, row := range rows {
		problem, err := s.decodeProblem(row.Key, row.Value)
		if err != nil {
			return nil, err
		}
		problems = append(problems, *problem)
	}
	return problems, nil
}

func (s *Snapshot) problem(get getter, key directory.Key) (*Problem, error) {
	value, err := get(tableProblems, s.objectKey(key))
	if err != nil {
		return nil, err
	}
	return s.decodeProblem(s.objectKey(key), value)
}

// decodeProblem gives a stored problem, nil for none.
func (s *Snapshot) decodeProblem(key, value []byte) (*Problem, error) {
	if value == nil {
		return nil, nil
	}
	problem := new(Problem)
	if err := json.Unmarshal(value, problem); err != nil {
		return nil, s.damaged("problem %q: %v", key, err)
	}
	return problem, nil
}

// setProblem says that an object's latest data could not be read, which is to
// say that the object is there.
func (b *batch) setProblem(problem connector.Problem) error {
	key, row := problem.Key, b.objectKey(problem.Key)
	old, err := b.record(key)
	if err != nil {
		return err
	}
	new := record{state: Present, since: b.now().UnixNano()}
	if old != nil {
		new = *old
		if new.state, _ = next(old, connector.Seen); new.state != old.state {
			new.since = b.now().UnixNano()
		}
		new.flags &^= flagOrphaned
	}
	new.flags |= flagProblem
	known, err := b.problem(b.get, key)
	if err != nil {
		return err
	}
	same := known != nil && known.Problem == problem
	if !same {
		if err := b.writeProblem(row, problem); err != nil {
			return err
		}
	}
	if !same || old == nil || new.state != old.state || new.flags != old.flags {
		b.setRecord(key, old, &new)
	}
	return nil
}

func (b *batch) writeProblem(key []byte, problem connector.Problem) error {
	value, err := json.Marshal(Problem{problem, b.now().UTC()})
	if err != nil {
		return err
	}
	b.write(tableProblems, key, value)
	return nil
}

// clearProblem says that an object was read well.
func (b *batch) clearProblem(key directory.Key) error {
	old, err := b.record(key)
	if err != nil || old == nil || !old.flags.has(flagProblem) {
		return err
	}
	new := *old
	new.flags &^= flagProblem
	b.write(tableProblems, b.objectKey(key), nil)
	b.setRecord(key, old, &new)
	return nil
}

// recordProblems sets the problems that the read ended with, the first of each
// object, and clears those of objects that were read well.
func (i *importer) recordProblems(ctx context.Context, problems []connector.Problem) error {
	i.report.Problems = len(problems)
	var places []connector.Problem
	recorded := make(map[directory.Key]bool)
	for page := range slices.Chunk(problems, i.page) {
		err := i.update(ctx, func(b *batch) error {
			for _, problem := range page {
				if !validKey(problem.Key) {
					places = append(places, problem)
					continue
				}
				if recorded[problem.Key] {
					continue
				}
				recorded[problem.Key] = true
				if err := b.setProblem(problem); err != nil {
					return err
				}
				delete(i.well, problem.Key)
				i.note(fact{kind: connector.Seen, key: problem.Key, object: i.objectKey(problem.Key)})
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	well := slices.SortedFunc(maps.Keys(i.well), directory.Key.Compare)
	for page := range slices.Chunk(well, i.page) {
		err := i.update(ctx, func(b *batch) error {
			for _, key := range page {
				if err := b.clearProblem(key); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return i.recordPlaces(ctx, places)
}

// recordPlaces replaces the problems of places where no object could be told.
func (i *importer) recordPlaces(ctx context.Context, places []connector.Problem) error {
	wanted := make(map[string]connector.Problem, len(places))
	for _, problem := range places {
		problem.Key.Anchor = ""
		wanted[string(store.Key(i.source, problem.Key.Type, "", problem.Where))] = problem
	}
	for _, typ := range append([]string{""}, i.types...) {
		err := i.eachPage(tableProblems, store.Prefix(i.source, typ, ""), func(rows []store.Row) error {
			return i.update(ctx, func(b *batch) error {
				for _, row := range rows {
					if _, again := wanted[string(row.Key)]; !again {
						b.write(tableProblems, row.Key, nil)
					}
				}
				return nil
			})
		})
		if err != nil {
			return err
		}
	}
	for page := range slices.Chunk(slices.Sorted(maps.Keys(wanted)), i.page) {
		err := i.update(ctx, func(b *batch) error {
			for _, key := range page {
				old, err := b.get(tableProblems, []byte(key))
				if err != nil {
					return err
				}
				known, err := b.decodeProblem([]byte(key), old)
				if err != nil {
					return err
				}
				if known != nil && known.Problem == wanted[key] {
					continue
				}
				if err := b.writeProblem([]byte(key), wanted[key]); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
