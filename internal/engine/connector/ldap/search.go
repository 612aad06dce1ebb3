package ldap

import (
	"context"
	"crypto/sha256"
	"errors"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
)

// maxEmptyPages bounds how often in a row a server may give no entry and a
// cookie, as RFC 2696 allows it to.
const maxEmptyPages = 100

// errReferral says that other servers hold a part of what was searched.
var errReferral = errors.New("referral")

// stream runs one search that start begins, and calls f for each thing that
// the server gives. No error means that the server ended the search with
// result 0. An error of f ends the search and is returned as it is.
func (s *session) stream(ctx context.Context, doing string, start func(context.Context) goldap.Response, f func(goldap.Response) error) error {
	searching, cancel := context.WithCancel(ctx)
	defer cancel()
	response := start(searching)
	for s.next(response) {
		if err := f(response); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	err := response.Err()
	if err == nil && s.conn.IsClosing() {
		err = errors.New("it ended before the search did")
	}
	if err == nil {
		// A fault in decoding, or an answer to nothing that was asked, ends a
		// search without an error.
		err = s.conn.GetLastError()
	}
	if err != nil || ctx.Err() != nil {
		return s.failed(ctx, doing, err)
	}
	return nil
}

// next waits for the next answer, and ends the connection when it is long in
// coming.
func (s *session) next(response goldap.Response) bool {
	s.silence.Reset(s.patience)
	defer s.silence.Stop()
	return response.Next()
}

// paged reads all entries of a search in pages (RFC 2696), in one page where
// the server has none. errReferral, at the end, says that the rest is elsewhere.
func (s *session) paged(ctx context.Context, doing string, request *goldap.SearchRequest, f func(*goldap.Entry) error) error {
	pages := make(map[[12]byte]bool) // by the names that they hold
	var cookie []byte
	empty, referral := 0, false
	for {
		control := goldap.NewControlPaging(s.page)
		control.SetCookie(cookie)
		one := *request
		one.Controls = []goldap.Control{control}
		names := sha256.New()
		var answer *goldap.ControlPaging
		entries := 0
		err := s.stream(ctx, doing, func(ctx context.Context) goldap.Response { return s.conn.SearchAsync(ctx, &one, 0) }, func(r goldap.Response) error {
			referral = referral || r.Referral() != ""
			if found, ok := goldap.FindControl(r.Controls(), goldap.ControlTypePaging).(*goldap.ControlPaging); ok && r.Entry() == nil {
				answer = found
			}
			if r.Entry() == nil {
				return nil
			}
			entries++
			names.Write(append([]byte(r.Entry().DN), 0))
			return f(r.Entry())
		})
		if err != nil {
			return err
		}
		if answer == nil && cookie != nil {
			return s.incomplete(doing, "a page came without a word on whether more follow")
		}
		if answer == nil || len(answer.Cookie) == 0 {
			break
		}
		if entries == 0 {
			if empty++; empty > maxEmptyPages {
				return s.incomplete(doing, "page after page came empty")
			}
		} else {
			key := [12]byte(names.Sum(nil))
			if empty = 0; pages[key] {
				return s.incomplete(doing, "a page came twice")
			}
			pages[key] = true
		}
		cookie = answer.Cookie
	}
	if referral {
		return errReferral
	}
	return nil
}

// incomplete is the error of a server that does not keep to the protocol.
func (s *session) incomplete(doing, detail string) error {
	return &connector.Error{Class: connector.Transient, Code: codeIncomplete,
		Detail: s.address + ": " + doing + ": " + detail,
		Advice: "see that url leads to one directory server, not to several in turn; the next cycle reads again"}
}

// errNoSynchronization says that the server does not synchronize content with
// this account.
var errNoSynchronization = errors.New("the server does not synchronize content with this account")

// refresh reads what a search has more or other than at a cookie (RFC 4533), or
// everything, and gives the cookie from there on, the old one when nothing has
// changed. Deletions and names of what is merely there are passed over. An
// account that may not, or a server that cannot, is errNoSynchronization; a
// cookie that is no longer good is a result of LDAPResultSyncRefreshRequired.
func (s *session) refresh(ctx context.Context, doing string, request *goldap.SearchRequest, cookie []byte, f func(*goldap.Entry) error) ([]byte, error) {
	var done *goldap.ControlSyncDone
	referral, plain := false, false
	err := s.stream(ctx, doing, func(ctx context.Context) goldap.Response {
		one := *request
		return s.conn.Syncrepl(ctx, &one, 0, goldap.SyncRequestModeRefreshOnly, cookie, false)
	}, func(r goldap.Response) error {
		referral = referral || r.Referral() != ""
		if found, ok := goldap.FindControl(r.Controls(), goldap.ControlTypeSyncDone).(*goldap.ControlSyncDone); ok {
			done = found
		}
		if r.Entry() == nil {
			return nil
		}
		state, ok := goldap.FindControl(r.Controls(), goldap.ControlTypeSyncState).(*goldap.ControlSyncState)
		if plain = plain || !ok; plain {
			return nil // an ordinary search; it is heard to its end, so that the next can begin
		}
		if state.State != goldap.SyncStateAdd && state.State != goldap.SyncStateModify {
			return nil
		}
		return f(r.Entry())
	})
	code, _ := resultCode(err)
	switch {
	case err == nil && (done == nil || plain):
		return nil, errNoSynchronization
	case err == nil && referral:
		return nil, errReferral
	case err == nil && len(done.Cookie) == 0:
		return cookie, nil
	case err == nil:
		return done.Cookie, nil
	}
	switch code {
	case goldap.LDAPResultSizeLimitExceeded, goldap.LDAPResultAdminLimitExceeded, goldap.LDAPResultTimeLimitExceeded,
		goldap.LDAPResultUnavailableCriticalExtension, goldap.LDAPResultInsufficientAccessRights, goldap.LDAPResultUnwillingToPerform:
		return nil, errNoSynchronization
	}
	return nil, err
}

// entry reads one entry, nil when there is none that this account may see.
func (s *session) entry(ctx context.Context, dn, filter string, attributes ...string) (*goldap.Entry, error) {
	request := goldap.NewSearchRequest(dn, goldap.ScopeBaseObject, goldap.NeverDerefAliases, 0, 0, false, filter, attributes, nil)
	var entry *goldap.Entry
	err := s.stream(ctx, "read "+nameOf(dn), func(ctx context.Context) goldap.Response { return s.conn.SearchAsync(ctx, request, 0) }, func(r goldap.Response) error {
		if r.Entry() != nil {
			entry = r.Entry()
		}
		return nil
	})
	switch code, _ := resultCode(err); code {
	case goldap.LDAPResultNoSuchObject, goldap.LDAPResultInsufficientAccessRights, goldap.LDAPResultReferral:
		return nil, nil
	}
	return entry, err
}

func nameOf(dn string) string {
	if dn == "" {
		return "the root DSE"
	}
	return dn
}
