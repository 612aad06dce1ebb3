package ldap

import (
	"context"
	"errors"
	"fmt"
	"slices"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// maxProblems bounds how many entries may fail before the directory as a whole
// is taken for wrong.
const maxProblems = 100_000

// Read gives what changed, or everything. Absence is evidence where the server
// ended every search with success, gave every page, followed no referral, and
// gave every entry an anchor.
func (s *source) Read(ctx context.Context, request connector.ReadRequest, yield func(connector.Change) error) (connector.ReadResult, error) {
	c, err := s.connect(ctx)
	if err != nil {
		return connector.ReadResult{}, err
	}
	defer c.close()
	r := &reading{session: c, yield: yield, searches: s.wanted(request.Types)}
	if err := r.run(ctx, request.Since); err != nil {
		return connector.ReadResult{}, err
	}
	return r.result, nil
}

// reading is one Read under way.
type reading struct {
	*session
	yield    func(connector.Change) error
	searches []*search
	schema   *subschema // nil until it is needed
	given    bool       // something was yielded
	result   connector.ReadResult
	at       map[string]position // where the searches ended
}

func (r *reading) run(ctx context.Context, since connector.Watermark) error {
	epoch, err := r.epoch(ctx)
	if err != nil {
		return err
	}
	r.begin(epoch)
	told := false
	if old := r.position(since, epoch, r.searches); old != nil {
		if told, err = r.changes(ctx, old); err != nil {
			return err
		}
	}
	if !told {
		r.begin(epoch)
		for _, d := range r.searches {
			if err := r.everything(ctx, d); err != nil {
				return err
			}
		}
	}
	r.result.Next, err = r.watermark(epoch, r.at)
	return err
}

// begin forgets the result so far. What was given stays given.
func (r *reading) begin(epoch string) {
	r.result = connector.ReadResult{Epoch: epoch, Coverage: make(map[string]connector.Coverage)}
	r.at = make(map[string]position)
}

// epoch names what an anchor is and which directory gave it: the naming context
// and its own entryUUID, which all replicas share.
func (s *session) epoch(ctx context.Context) (string, error) {
	base, err := goldap.ParseDN(s.searches[0].base)
	if err != nil {
		return "", err
	}
	name := s.searches[0].base
	for _, text := range s.root.contexts {
		if above, err := goldap.ParseDN(text); err == nil && (above.EqualFold(base) || above.AncestorOfFold(base)) {
			name = text
		}
	}
	entry, err := s.entry(ctx, name, "(objectClass=*)", anchorAttribute)
	if err != nil {
		return "", err
	}
	identity := ""
	if entry != nil {
		if a, problem := anchorOf(entry); problem == "" {
			identity = a.String()
		}
	}
	if normal, err := NormalizeDN(name); err == nil {
		name = normal
	}
	return fmt.Sprintf("ldap %s %q %s", anchorAttribute, name, identity), nil
}

// synchronizes reports whether content synchronization is to be tried.
func (r *reading) synchronizes() (bool, error) {
	switch r.incremental {
	case incrementalAuto:
		return r.root.syncrepl, nil
	case incrementalSyncrepl:
		if !r.root.syncrepl {
			return false, r.unsynchronized()
		}
		return true, nil
	}
	return false, nil
}

// unsynchronized is the error of a declared way that cannot be gone.
func (s *session) unsynchronized() error {
	return &connector.Error{Class: connector.Fatal, Code: codeSource,
		Detail: s.address + `: incremental is "syncrepl", but the server does not offer content synchronization (RFC 4533) to this account`,
		Advice: `switch it on at the server (OpenLDAP: overlay syncprov), free the account of its size and time limits, or set incremental = "auto"`}
}

// everything reads one search to its end.
func (r *reading) everything(ctx context.Context, d *search) error {
	request, err := r.wholeRequest(ctx, d, "")
	if err != nil {
		return err
	}
	synchronize, err := r.synchronizes()
	if err != nil {
		return err
	}
	end := position{Fresh: true}
	var lost int
	var given []anchor // by a refresh
	problems := len(r.result.Problems)
	take := func(entry *goldap.Entry) error {
		a, problem := anchorOf(entry)
		if problem != "" {
			if lost++; lost > 1 {
				return nil
			}
			return r.problem(d, "", entry.DN, problem)
		}
		end.add(a, entry)
		if synchronize {
			given = append(given, a)
		}
		return r.give(d, a, entry)
	}
	if synchronize {
		end.Cookie, err = r.refresh(ctx, r.doing(d), request, nil, take)
		switch {
		case err == nil:
			err = r.leftOut(ctx, d, given, take)
		case errors.Is(err, errNoSynchronization):
			if r.incremental == incrementalSyncrepl {
				return r.unsynchronized()
			}
			synchronize, end, lost, r.result.Problems = false, position{Fresh: true}, 0, r.result.Problems[:problems]
		}
	}
	if !synchronize {
		err = r.paged(ctx, r.doing(d), request, take)
	}
	coverage := connector.Complete
	if lost > 0 {
		coverage = connector.ChangesOnly
	}
	if errors.Is(err, errReferral) {
		coverage, err = connector.ChangesOnly, r.referred(d)
	}
	r.result.Coverage[d.typ], r.at[d.typ] = coverage, end
	return err
}

// anchorsAtOnce bounds how many entries are asked for by their anchors in one search.
const anchorsAtOnce = 100

// leftOut reads those whom a refresh from the start did not give, though they are
// there. OpenLDAP leaves out, without a word, who changed since it began: it tells of
// them by the next refresh. Until then they would count as gone.
func (r *reading) leftOut(ctx context.Context, d *search, given []anchor, take func(*goldap.Entry) error) error {
	slices.SortFunc(given, anchor.compare)
	var missing []anchor
	request := d.request("", []string{anchorAttribute})
	err := r.paged(ctx, "list "+d.block+" below "+d.base, request, func(entry *goldap.Entry) error {
		a, problem := anchorOf(entry)
		if problem != "" {
			return take(entry) // the refresh may have left it out as well
		}
		if _, there := slices.BinarySearchFunc(given, a, anchor.compare); !there {
			missing = append(missing, a)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for some := range slices.Chunk(missing, anchorsAtOnce) {
		narrow := "(|"
		for _, a := range some {
			narrow += "(" + anchorAttribute + "=" + a.String() + ")"
		}
		request, err := r.wholeRequest(ctx, d, narrow+")")
		if err != nil {
			return err
		}
		if err := r.paged(ctx, r.doing(d), request, take); err != nil {
			return err
		}
	}
	return nil
}

func (r *reading) doing(d *search) string { return "read " + d.block + " below " + d.base }

// wholeRequest makes the request for all that is read of entries.
func (r *reading) wholeRequest(ctx context.Context, d *search, narrow string) (*goldap.SearchRequest, error) {
	if r.schema == nil {
		var err error
		if r.schema, err = r.readSubschema(ctx); err != nil {
			return nil, err
		}
	}
	return d.request(narrow, append([]string{anchorAttribute, modifiedAttribute, createdAttribute}, r.schema.names()...)), nil
}

// give yields the object of an entry and its edges, or says what is wrong with
// it.
func (r *reading) give(d *search, a anchor, entry *goldap.Entry) error {
	thing := d.translate(entry, a, r.schema)
	if thing.problem != "" {
		if err := r.problem(d, a.String(), entry.DN, thing.problem); err != nil {
			return err
		}
	}
	r.given = true
	return thing.yield(r.yield)
}

func (t thing) yield(yield func(connector.Change) error) error {
	if err := yield(t.change); err != nil {
		return err
	}
	for _, edge := range t.edges {
		if err := yield(connector.Change{Kind: connector.EdgeAdded, Edge: edge}); err != nil {
			return err
		}
	}
	return nil
}

// problem notes what is wrong with an entry.
func (r *reading) problem(d *search, anchor, dn, detail string) error {
	if len(r.result.Problems) == maxProblems {
		return &connector.Error{Class: connector.Fatal, Code: codeSource,
			Detail: fmt.Sprintf("%s: more than %d entries cannot be used; this one is %s: %s", r.address, maxProblems, shorten(dn), detail),
			Advice: "see that base_dn and filter name what they should"}
	}
	r.result.Problems = append(r.result.Problems, connector.Problem{
		Key:    directory.Key{Type: d.typ, Anchor: anchor},
		Code:   codeRecord,
		Where:  shorten(dn),
		Detail: detail,
	})
	return nil
}

// referred notes that other servers hold a part of a search.
func (r *reading) referred(d *search) error {
	if err := r.problem(d, "", d.base, "other servers hold a part of what is below this base, and referrals are not followed: nobody counts as gone for not being read; name a base that this server holds as a whole"); err != nil {
		return err
	}
	r.result.Problems[len(r.result.Problems)-1].Code = codeIncomplete
	return nil
}
