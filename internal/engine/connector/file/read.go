package file

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// maxProblems bounds how many rows may be broken before the document as a whole
// is taken for wrong.
const maxProblems = 100_000

// Read gives every object, or Unchanged. Absence is evidence, unless a row's id
// could not be told or the document may be cut off. A file that changes
// meanwhile is an error.
func (s *source) Read(ctx context.Context, request connector.ReadRequest, yield func(connector.Change) error) (connector.ReadResult, error) {
	result := connector.ReadResult{Epoch: s.epoch(), Coverage: make(map[string]connector.Coverage)}
	documents := s.wanted(request.Types)
	if request.Since != nil {
		next, unchanged, err := s.unchanged(ctx, request.Since, documents)
		if err != nil {
			return connector.ReadResult{}, err
		}
		if unchanged {
			result.Next, result.Unchanged = next, true
			return result, nil
		}
	}
	now := s.now()
	read := watermark{Version: watermarkVersion, Settings: s.settings, Files: make(map[string]state)}
	surveys, err := surveyAll(ctx, documents)
	if err != nil {
		return connector.ReadResult{}, err
	}
	for i, d := range documents {
		problems, err := d.give(ctx, surveys[i], yield)
		if err != nil {
			return connector.ReadResult{}, err
		}
		result.Problems = append(result.Problems, problems...)
		result.Coverage[d.typ] = connector.Complete
		if surveys[i].doubtful {
			result.Coverage[d.typ] = connector.ChangesOnly
		}
		read.Files[d.typ] = state{surveys[i].identity, surveys[i].content, surveys[i].identity.settled(now)}
	}
	for i, d := range documents {
		if err := d.expect(surveys[i].identity); err != nil {
			return connector.ReadResult{}, err
		}
	}
	result.Next, err = json.Marshal(read)
	return result, err
}

// surveyAll makes the first pass over all documents, over several at a time. The
// error is that of the first that has one.
func surveyAll(ctx context.Context, documents []*document) ([]*survey, error) {
	surveys, failures := make([]*survey, len(documents)), make([]error, len(documents))
	var reading errgroup.Group
	reading.SetLimit(runtime.GOMAXPROCS(0))
	for i, d := range documents {
		reading.Go(func() error {
			surveys[i], failures[i] = d.survey(ctx)
			return nil
		})
	}
	_ = reading.Wait()
	for _, err := range failures {
		if err != nil {
			return nil, err
		}
	}
	return surveys, nil
}

// expect fails when a document's file is another than it was.
func (d *document) expect(was identity) error {
	is, err := d.identify()
	if err != nil {
		return err
	}
	if is != was {
		return d.changed()
	}
	return nil
}

func (d *document) changed() error {
	return &connector.Error{
		Class:  connector.Transient,
		Code:   codeChanged,
		Detail: d.path + ": the file changed while it was read",
		Advice: "write the file under another name in the same folder and rename it when it is whole; the next cycle reads it again",
	}
}

// each calls f for every row and gives the digest of the document. An error of
// f ends it and is returned.
func (d *document) each(ctx context.Context, build bool, f func(row) error) (content string, err error) {
	in, text, closer, err := d.open(build)
	if err != nil {
		return "", err
	}
	defer closer.Close()
	for {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		r, err := in.next()
		if errors.Is(err, io.EOF) {
			return hex.EncodeToString(text.digest.Sum(nil)), nil
		}
		if err != nil {
			return "", err
		}
		if err := f(r); err != nil {
			return "", err
		}
	}
}

// give makes the second pass: it gives every object, and the problems.
func (d *document) give(ctx context.Context, survey *survey, yield func(connector.Change) error) ([]connector.Problem, error) {
	if err := d.expect(survey.identity); err != nil {
		return nil, err
	}
	var problems []connector.Problem
	content, err := d.each(ctx, true, func(r row) error {
		problem, wrong := d.problemOf(r, survey)
		if wrong && problem != "" {
			problems = append(problems, connector.Problem{
				Key:    directory.Key{Type: d.typ, Anchor: r.anchor},
				Code:   codeRecord,
				Where:  d.place(r.line),
				Detail: problem,
			})
		}
		return d.yield(r, wrong, yield)
	})
	if err != nil {
		return nil, err
	}
	if content != survey.content {
		return nil, d.changed()
	}
	return problems, nil
}

// problemOf reports whether a row's object cannot be given, and why: empty when
// an earlier row of the same id said it.
func (d *document) problemOf(r row, survey *survey) (problem string, wrong bool) {
	lines := survey.linesOf(r.anchor)
	switch {
	case lines == nil:
		return r.problem, r.problem != ""
	case int(lines[0]) != r.line:
		return "", true
	}
	const shown = 5
	var out strings.Builder
	fmt.Fprintf(&out, "the id %q stands on the lines ", r.anchor)
	for i, line := range lines[:min(len(lines), shown)] {
		switch {
		case i == 0:
		case i == len(lines)-1:
			out.WriteString(" and ")
		default:
			out.WriteString(", ")
		}
		fmt.Fprint(&out, line)
	}
	if len(lines) > shown {
		fmt.Fprintf(&out, " and %d more", len(lines)-shown)
	}
	out.WriteString("; leave one row of each id")
	return out.String(), true
}

// yield gives one row's object and edges.
func (d *document) yield(r row, wrong bool, yield func(connector.Change) error) error {
	if r.anchor == "" {
		return nil
	}
	object := directory.Object{Key: directory.Key{Type: d.typ, Anchor: r.anchor}}
	if wrong {
		return yield(connector.Change{Kind: connector.Seen, Object: object})
	}
	object.Attributes = r.attributes
	if err := yield(connector.Change{Kind: connector.Whole, Object: object}); err != nil {
		return err
	}
	for _, edge := range r.edges {
		if err := yield(connector.Change{Kind: connector.EdgeAdded, Edge: edge}); err != nil {
			return err
		}
	}
	return nil
}
