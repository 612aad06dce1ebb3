package ldap

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	goldap "github.com/go-ldap/ldap/v3"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// impatient makes a source give up on a silent server soon.
func impatient(s connector.Source, patience time.Duration) connector.Source {
	s.(*source).patience = patience
	return s
}

func checkFailedRead(t *testing.T, name string, g given, err error) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error", name)
		return
	}
	failure(t, err)
	if g.result.Next != nil || len(g.result.Coverage) > 0 || g.result.Unchanged {
		t.Errorf("%s: a failed read claims %+v", name, g.result)
	}
}

// Wherever the connection is cut, a read fails and claims nothing, or has
// everything.
func TestCutInMidRead(t *testing.T) {
	tr := plant(t)
	var members []string
	for i := range 20 {
		dn, _ := tr.person(fmt.Sprintf("p%d", i))
		members = append(members, dn)
	}
	tr.group("everybody", members...)
	whole := 0
	count := between(t, func(total int, chunk []byte) ([]byte, bool) { whole = total + len(chunk); return chunk, false })
	for way, settings := range map[string]map[string]any{
		"synchronization": {"incremental": incrementalSyncrepl},
		"pages":           {"incremental": incrementalTimestamp, "page_size": 5},
	} {
		settings["url"] = "ldap://" + count.Address
		mustRead(t, tr.source(settings), nil)
		failed := 0
		for cut := 1; cut < whole; cut += max(1, whole/60) {
			front := between(t, func(total int, chunk []byte) ([]byte, bool) {
				if total+len(chunk) < cut {
					return chunk, false
				}
				return chunk[:cut-total], true
			})
			settings["url"] = "ldap://" + front.Address
			g, err := readAll(t, tr.source(settings), nil)
			if err == nil && (len(g.whole) != 21 || len(g.edges) != 20) {
				t.Errorf("%s, cut after %d bytes of %d: %d objects and no error", way, cut, whole, len(g.whole))
			}
			if err != nil {
				failed++
				checkFailedRead(t, fmt.Sprintf("%s, cut after %d bytes", way, cut), g, err)
			}
			front.Close()
		}
		if failed == 0 {
			t.Errorf("%s: no cut was noticed", way)
		}
	}
}

// A server that sends other bytes than LDAP's, from any point on.
func TestGarbageInMidRead(t *testing.T) {
	tr := plant(t)
	for i := range 5 {
		tr.person(fmt.Sprintf("p%d", i))
	}
	for name, garbage := range map[string][]byte{
		"text":           []byte("HTTP/1.1 400 Bad Request\r\n\r\n"),
		"zeros":          make([]byte, 64),
		"ones":           bytes.Repeat([]byte{0xff}, 64),
		"endless length": {0x30, 0x84, 0x7f, 0xff, 0xff, 0xff, 2, 1, 1},
		"no length":      {0x30, 0x80, 0x02, 0x01, 0x02, 0, 0},
	} {
		for _, from := range []int{0, 200, 2000} {
			front := between(t, func(total int, chunk []byte) ([]byte, bool) {
				if total+len(chunk) <= from {
					return chunk, false
				}
				return append(bytes.Clone(chunk[:max(0, from-total)]), garbage...), false
			})
			source := impatient(tr.source(map[string]any{"url": "ldap://" + front.Address}), 500*time.Millisecond)
			g, err := readAll(t, source, nil)
			checkFailedRead(t, fmt.Sprintf("%s from byte %d", name, from), g, err)
			front.Close()
		}
	}
}

func TestSilentServer(t *testing.T) {
	tr := plant(t)
	tr.person("ada")
	for _, from := range []int{0, 20, 600} {
		released := make(chan struct{})
		front := between(t, func(total int, chunk []byte) ([]byte, bool) {
			if total+len(chunk) > from {
				<-released
			}
			return chunk, false
		})
		source := impatient(tr.source(map[string]any{"url": "ldap://" + front.Address}), 100*time.Millisecond)
		g, err := readAll(t, source, nil)
		checkFailedRead(t, fmt.Sprintf("silent from byte %d", from), g, err)
		if failed := failure(t, err); !strings.Contains(failed.Detail, "no answer for 100ms") {
			t.Errorf("from byte %d: %v", from, failed)
		}

		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		source = tr.source(map[string]any{"url": "ldap://" + front.Address})
		_, err = source.Read(ctx, connector.ReadRequest{Types: both}, func(connector.Change) error { return nil })
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("from byte %d, when the context ends: %v", from, err)
		}
		cancel()
		close(released)
		front.Close()
	}
}

// A slow reader is not a silent server.
func TestSlowReader(t *testing.T) {
	tr := plant(t)
	tr.person("ada")
	tr.person("alan")
	source := impatient(tr.source(map[string]any{"page_size": 1, "incremental": incrementalTimestamp}), 200*time.Millisecond)
	changes := 0
	_, err := source.Read(t.Context(), connector.ReadRequest{Types: both}, func(connector.Change) error {
		changes++
		time.Sleep(300 * time.Millisecond) // longer than a server may be silent
		return nil
	})
	if err != nil || changes != 2 {
		t.Errorf("%d changes, %v", changes, err)
	}
}

func TestTLS(t *testing.T) {
	tr := plant(t)
	_, ada := tr.person("ada")
	_, port, err := net.SplitHostPort(slapd.ldaps)
	if err != nil {
		t.Fatal(err)
	}
	for name, settings := range map[string]map[string]any{
		"ldaps":         {"url": "ldaps://" + slapd.ldaps, "ca_certificate": slapd.ca},
		"ldaps by name": {"url": "ldaps://localhost:" + port, "ca_certificate": slapd.ca},
		"StartTLS":      {"start_tls": true, "ca_certificate": slapd.ca},
	} {
		if g := mustRead(t, tr.source(settings), nil); g.whole[ada] == nil {
			t.Errorf("%s: nothing was read", name)
		}
	}
	for name, settings := range map[string]map[string]any{
		"unknown CA":           {"url": "ldaps://" + slapd.ldaps},
		"unknown CA, StartTLS": {"start_tls": true},
	} {
		g, err := readAll(t, tr.source(settings), nil)
		checkFailedRead(t, name, g, err)
		if failed := failure(t, err); failed.Class != connector.Fatal || !strings.Contains(failed.Advice, "ca_certificate") {
			t.Errorf("%s: %#v", name, failed)
		}
	}
	g, err := readAll(t, tr.source(map[string]any{"url": "ldaps://" + slapd.ldap}), nil)
	checkFailedRead(t, "ldaps to a port that speaks none", g, err)
}

// A server that injects an answer in clear text behind that to StartTLS is not
// believed.
func TestNothingIsTakenFromBeforeTLS(t *testing.T) {
	tr := plant(t)
	tr.person("ada")
	front := between(t, func(total int, chunk []byte) ([]byte, bool) {
		if total > 0 {
			return chunk, false
		}
		bind := respond(1, goldap.ApplicationBindResponse, 0, "")
		return append(bytes.Clone(chunk), bind.Bytes()...), false
	})
	g, err := readAll(t, impatient(tr.source(map[string]any{"url": "ldap://" + front.Address, "start_tls": true, "ca_certificate": slapd.ca}), time.Second), nil)
	checkFailedRead(t, "an injected answer", g, err)
}

// respond makes a message with an LDAP result.
func respond(id int64, tag ber.Tag, code int64, text string) *ber.Packet {
	packet := message(id)
	result := ber.Encode(ber.ClassApplication, ber.TypeConstructed, tag, nil, "")
	result.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagEnumerated, code, ""))
	result.AppendChild(octets(""))
	result.AppendChild(octets(text))
	packet.AppendChild(result)
	return packet
}

func message(id int64) *ber.Packet {
	packet := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSequence, nil, "")
	packet.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, id, ""))
	return packet
}

func octets(text string) *ber.Packet {
	return ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, text, "")
}

// entry makes a message with an entry of names and values in turn.
func entryMessage(id int64, dn string, namesAndValues ...string) *ber.Packet {
	packet := message(id)
	result := ber.Encode(ber.ClassApplication, ber.TypeConstructed, goldap.ApplicationSearchResultEntry, nil, "")
	result.AppendChild(octets(dn))
	attributes := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSequence, nil, "")
	for i := 0; i < len(namesAndValues); i += 2 {
		attribute := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSequence, nil, "")
		attribute.AppendChild(octets(namesAndValues[i]))
		values := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSet, nil, "")
		values.AppendChild(octets(namesAndValues[i+1]))
		attribute.AppendChild(values)
		attributes.AppendChild(attribute)
	}
	result.AppendChild(attributes)
	packet.AppendChild(result)
	return packet
}

// liar is a server that answers binds, and searches below dc=lie by a script.
func liar(t *testing.T, script func(id int64, page int, control func(*ber.Packet, goldap.Control) *ber.Packet) []*ber.Packet) connector.Source {
	t.Helper()
	listener := listen(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			answer(conn, script)
		}
	}()
	t.Cleanup(func() { listener.Close(); <-done })
	return impatient(open(t, connector.Options{
		Connection: fmt.Appendf(nil, `{"url":"ldap://%s","users":{"base_dn":"dc=lie","filter":"(a=b)","scope":"sub","references":{"manager":"manager"}},"page_size":2,"incremental":"auto"}`, listener.Addr()),
		Credential: basic("cn=x", "hunter2"),
	}), time.Second)
}

func answer(conn net.Conn, script func(int64, int, func(*ber.Packet, goldap.Control) *ber.Packet) []*ber.Packet) {
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	for page := 0; ; {
		packet, err := ber.ReadPacket(conn)
		if err != nil || len(packet.Children) < 2 {
			return
		}
		id := packet.Children[0].Value.(int64)
		answers := []*ber.Packet{respond(id, goldap.ApplicationBindResponse, 0, "")}
		if packet.Children[1].Tag == goldap.ApplicationSearchRequest {
			answers = []*ber.Packet{respond(id, goldap.ApplicationSearchResultDone, 0, "")}
			if scope := packet.Children[1].Children[1].Value; scope == int64(goldap.ScopeWholeSubtree) {
				answers = script(id, page, func(packet *ber.Packet, control goldap.Control) *ber.Packet {
					controls := ber.Encode(ber.ClassContext, ber.TypeConstructed, 0, nil, "")
					controls.AppendChild(control.Encode())
					packet.AppendChild(controls)
					return packet
				})
				page++
			}
		}
		for _, packet := range answers {
			if _, err := conn.Write(packet.Bytes()); err != nil {
				return
			}
		}
	}
}

func anchorOfNumber(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

func TestServersThatLie(t *testing.T) {
	type controlled = func(*ber.Packet, goldap.Control) *ber.Packet
	paging := func(cookie string) goldap.Control { return &goldap.ControlPaging{Cookie: []byte(cookie)} }
	person := func(id int64, n int) *ber.Packet {
		return entryMessage(id, fmt.Sprintf("uid=%d,dc=lie", n), "entryUUID", anchorOfNumber(n), "uid", fmt.Sprint(n), "modifyTimestamp", "20260101000000Z")
	}
	done := func(id int64) *ber.Packet { return respond(id, goldap.ApplicationSearchResultDone, 0, "") }

	for name, test := range map[string]struct {
		script func(id int64, page int, with controlled) []*ber.Packet
		want   string
	}{
		"the same page for ever": {func(id int64, page int, with controlled) []*ber.Packet {
			return []*ber.Packet{person(id, 1), person(id, 2), with(done(id), paging("more"))}
		}, "a page came twice"},
		"two pages in turn for ever": {func(id int64, page int, with controlled) []*ber.Packet {
			return []*ber.Packet{person(id, page%2), with(done(id), paging(fmt.Sprint(page)))}
		}, "a page came twice"},
		"empty pages for ever": {func(id int64, page int, with controlled) []*ber.Packet {
			return []*ber.Packet{with(done(id), paging("more"))}
		}, "empty"},
		"no word on the second page": {func(id int64, page int, with controlled) []*ber.Packet {
			if page == 0 {
				return []*ber.Packet{person(id, 1), with(done(id), paging("more"))}
			}
			return []*ber.Packet{person(id, 2), done(id)}
		}, "without a word"},
		"an error on the second page": {func(id int64, page int, with controlled) []*ber.Packet {
			if page == 0 {
				return []*ber.Packet{person(id, 1), with(done(id), paging("more"))}
			}
			return []*ber.Packet{person(id, 2), respond(id, goldap.ApplicationSearchResultDone, goldap.LDAPResultUnavailable, "going down, hunter2\x00\n")}
		}, "going down, [redacted]"},
		"another operation's answer": {func(id int64, page int, with controlled) []*ber.Packet {
			return []*ber.Packet{respond(id, goldap.ApplicationModifyResponse, 0, "")}
		}, ""},
		"an answer to nothing": {func(id int64, page int, with controlled) []*ber.Packet {
			return []*ber.Packet{person(id+7, 1), done(id)}
		}, ""},
		"an entry without attributes": {func(id int64, page int, with controlled) []*ber.Packet {
			packet := message(id)
			packet.AppendChild(ber.Encode(ber.ClassApplication, ber.TypeConstructed, goldap.ApplicationSearchResultEntry, nil, ""))
			return []*ber.Packet{packet, done(id)}
		}, ""},
		"a result without a code": {func(id int64, page int, with controlled) []*ber.Packet {
			packet := message(id)
			packet.AppendChild(ber.Encode(ber.ClassApplication, ber.TypeConstructed, goldap.ApplicationSearchResultDone, nil, ""))
			return []*ber.Packet{person(id, 1), packet}
		}, ""},
		"a control that is none": {func(id int64, page int, with controlled) []*ber.Packet {
			return []*ber.Packet{person(id, 1), with(done(id), goldap.NewControlString(goldap.ControlTypePaging, false, "\x30\x03\x02"))}
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			g, err := readAll(t, liar(t, test.script), nil)
			checkFailedRead(t, name, g, err)
			if failed := failure(t, err); !strings.Contains(failed.Detail, test.want) || strings.Contains(failed.Error(), "hunter2") {
				t.Errorf("the error is %v, want %q in it", failed, test.want)
			}
		})
	}
}

// What a server without paging gives in one answer is everything; entries that
// cannot be told apart or taken are named, and prove nobody gone.
func TestStrangeEntries(t *testing.T) {
	source := liar(t, func(id int64, page int, _ func(*ber.Packet, goldap.Control) *ber.Packet) []*ber.Packet {
		return []*ber.Packet{
			entryMessage(id, "uid=1,dc=lie", "ENTRYUUID", strings.ToUpper(anchorOfNumber(1)), "UID", "1", "uid", "one", "userpassword", "hunter2", "memberOf", "cn=g"),
			entryMessage(id, "uid=2,dc=lie", "uid", "2"),
			entryMessage(id, "uid=3,dc=lie", "entryUUID", "3"),
			entryMessage(id, "no name", "entryUUID", anchorOfNumber(4)),
			entryMessage(id, "uid=5,dc=lie", "entryUUID", anchorOfNumber(5), "a b", "5"),
			entryMessage(id, "uid=6,dc=lie", "entryUUID", anchorOfNumber(6), "manager", "the boss"),
			entryMessage(id, "uid=7,dc=lie", "entryUUID", anchorOfNumber(7), "manager;range=0-1499", "uid=1,dc=lie"),
			entryMessage(id, "uid=8,dc=lie", "entryUUID", anchorOfNumber(8), "note", "a\x00b", "latin", "\xe9"),
			respond(id, goldap.ApplicationSearchResultDone, 0, ""),
		}
	})
	g := mustRead(t, source, nil)
	if g.result.Coverage[directory.User] != connector.ChangesOnly {
		t.Errorf("the coverage is %v", g.result.Coverage)
	}
	if len(g.whole) != 2 || len(g.seen) != 4 || len(g.result.Problems) != 5 {
		t.Errorf("%d whole, %d seen, problems %+v", len(g.whole), len(g.seen), g.result.Problems)
	}
	if !slices.ContainsFunc(g.result.Problems, func(p connector.Problem) bool {
		return p.Key.Anchor == anchorOfNumber(7) && strings.Contains(p.Detail, "only a part of the values of manager")
	}) {
		t.Errorf("no problem tells of the part: %+v", g.result.Problems)
	}
	encoded, err := g.whole[anchorOfNumber(1)].MarshalJSON()
	if want := `{"UID":"1","entryUUID":"` + anchorOfNumber(1) + `","uid":"one"}`; err != nil || string(encoded) != want {
		t.Errorf("the first is %s, want %s (%v)", encoded, want, err)
	}
	encoded, err = g.whole[anchorOfNumber(8)].MarshalJSON()
	if want := `{"entryUUID":"` + anchorOfNumber(8) + `","latin":"6Q==","note":"YQBi"}`; err != nil || string(encoded) != want {
		t.Errorf("the last is %s, want %s (%v)", encoded, want, err)
	}
}
