package ldap

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"
	goldap "github.com/go-ldap/ldap/v3"
	"pgregory.net/rapid"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

func TestParseDescription(t *testing.T) {
	const uid = "( 0.9.2342.19200300.100.1.1 NAME ( 'uid' 'userid' ) DESC 'it''s' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15{256} SINGLE-VALUE X-ORIGIN 'RFC 4519' )"
	if _, err := parseDescription(uid); err == nil {
		t.Error("two texts side by side were taken for one")
	}
	got, err := parseDescription(strings.Replace(uid, "'it''s'", "'a (b) $ c'", 1))
	want := description{
		"NAME": {"uid", "userid"}, "DESC": {"a (b) $ c"}, "EQUALITY": {"caseIgnoreMatch"}, "SYNTAX": {"1.3.6.1.4.1.1466.115.121.1.15{256}"},
		"SINGLE-VALUE": {}, "X-ORIGIN": {"RFC 4519"},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, %v", got, err)
	}
	if got.first("SYNTAX") != "1.3.6.1.4.1.1466.115.121.1.15" || got.first("SUP") != "" || !got.has("SINGLE-VALUE") || got.has("OBSOLETE") {
		t.Errorf("%q is read wrongly", got)
	}
	got, err = parseDescription("(2.5.6.6 NAME 'person' SUP top STRUCTURAL MUST (sn$cn) MAY ( userPassword $ telephoneNumber ))")
	if err != nil || !reflect.DeepEqual(got["MUST"], []string{"sn", "cn"}) || !reflect.DeepEqual(got["MAY"], []string{"userPassword", "telephoneNumber"}) {
		t.Errorf("got %q, %v", got, err)
	}
	for _, wrong := range []string{"", "(", "()", "( 1.2 )x", "( 1.2 NAME )", "( 1.2 NAME 'x", "( 1.2 NAME ( 'x' )", "1.2 NAME 'x'", "( 1.2 ) NAME 'x' )", "( 1.2 $ )"} {
		if got, err := parseDescription(wrong); err == nil {
			t.Errorf("%q is %q", wrong, got)
		}
	}
}

func FuzzSubschema(f *testing.F) {
	f.Add("( 2.5.4.3 NAME ( 'cn' 'commonName' ) SUP name )", "( 2.5.6.6 NAME 'person' SUP top MUST ( sn $ cn ) )")
	f.Add("( 1 NAME 'a' SUP b )\n( 2 NAME 'b' SUP a SYNTAX 1.3.6.1.4.1.1466.115.121.1.40{8} )", "( 1 NAME 'a' SUP a MAY a )")
	f.Add("( 1 NAME () )", "( 1 DESC 'x' )")
	f.Fuzz(func(t *testing.T, types, classes string) {
		s := newSubschema(strings.Split(types, "\n"), strings.Split(classes, "\n"))
		for _, name := range s.names() {
			if name != "*" && (!attributeDescription.MatchString(name) || isSecret(name)) {
				t.Errorf("it is asked for %q", name)
			}
		}
		s.allowed([]string{"a", "person"})
	})
}

func TestSubschemaKnowsTheKinds(t *testing.T) {
	s := newSubschema([]string{
		"( 1 NAME 'name' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15{32768} )",
		"( 2 NAME ( 'cn' 'commonName' ) SUP name )",
		"( 3 NAME 'photo' SYNTAX 1.3.6.1.4.1.1466.115.121.1.28 SINGLE-VALUE )",
		"( 4 NAME 'entryUUID' SYNTAX 1.3.6.1.1.16.1 USAGE directoryOperation )",
		"( 5 NAME 'userPassword' SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 )",
		"( 6 NAME 'sambaNTPassword' SYNTAX 1.3.6.1.4.1.1466.115.121.1.26 )",
		"( 7 NAME 'path' EQUALITY caseExactIA5Match )",
		"( 8 NAME 'olcRootDN' )",
		"nonsense",
	}, nil)
	if got := fmt.Sprint(s.names()); got != "[cn name path photo]" {
		t.Errorf("it is asked for %s", got)
	}
	for _, test := range []struct {
		name, own string
		binary    bool
	}{
		{"COMMONNAME", "cn", false}, {"cn;Lang-DE", "cn;lang-de", false}, {"photo", "photo", true},
		{"cert;Binary", "cert;binary", true}, {"unknown", "unknown", false},
	} {
		if own, binary := s.nameOf(test.name); own != test.own || binary != test.binary {
			t.Errorf("%s is %s, %t", test.name, own, binary)
		}
	}
	if !s.attributes["path"].caseExact || s.attributes["cn"].caseExact || s.attributes["photo"].multiValued {
		t.Error("the kinds of values are wrong")
	}
}

// A filter finds the value that it was made of, and nothing else.
func FuzzAssertion(f *testing.F) {
	for _, value := range []string{"ada", "*", "a*(b)\\c", "\x00", "é", "\xff", ")(objectClass=*", ""} {
		f.Add("mail", value)
	}
	f.Add("mail)(a=*", "x")
	f.Add("1.2.3;x", "x")
	f.Add(directory.ByAnchor, anchorOfNumber(1))
	f.Fuzz(func(t *testing.T, attribute, value string) {
		filter, ok := assertion(attribute, value)
		if !ok {
			return
		}
		d := &search{filter: "(objectClass=*)"}
		packet, err := goldap.CompileFilter(d.request(filter, nil).Filter)
		if err != nil {
			t.Fatalf("%q=%q is %q: %v", attribute, value, filter, err)
		}
		if len(packet.Children) != 2 || packet.Children[1].Tag != goldap.FilterEqualityMatch {
			t.Fatalf("%q=%q is %q, which is no equality", attribute, value, filter)
		}
		if got := packet.Children[1].Children[1].Data.String(); got != value {
			t.Fatalf("%q is looked for, not %q", got, value)
		}
	})
}

// However a sound stream is cut, it is taken; and an unsound one is refused
// alike.
func TestFramesAreTakenHoweverCut(t *testing.T) {
	stream := bytes.Join([][]byte{
		entryMessage(1, "uid=ada,dc=x", "cn", strings.Repeat("x", 300), "photo", strings.Repeat("\x00", 70_000)).Bytes(),
		respond(1, goldap.ApplicationSearchResultDone, 0, "").Bytes(),
		{0x30, 0x00},
		respond(200, goldap.ApplicationBindResponse, 49, "no").Bytes(),
	}, nil)
	rapid.Check(t, func(t *rapid.T) {
		var s scanner
		for rest := stream; len(rest) > 0; {
			n := rapid.IntRange(1, min(len(rest), 40_000)).Draw(t, "n")
			if err := s.scan(rest[:n]); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if s.left != 0 || s.skip != 0 || len(s.header) != 0 {
			t.Fatalf("at the end: %+v", s)
		}
	})
}

func TestFramesRefuse(t *testing.T) {
	for name, stream := range map[string][]byte{
		"text":               []byte("HTTP/1.1"),
		"indefinite length":  {0x30, 0x80, 2, 1, 1, 0, 0},
		"a length of 5":      {0x30, 0x85, 1, 0, 0, 0, 0},
		"a message too long": {0x30, 0x84, 0x7f, 0xff, 0xff, 0xff},
		"a value too long":   {0x30, 0x84, 0x07, 0, 0, 0, 0x04, 0x84, 0x03, 0, 0, 0},
		"a value over":       {0x30, 0x03, 0x04, 0x02, 1, 1},
		"a header over":      {0x30, 0x01, 0x04, 0x00},
		"a long tag":         {0x30, 0x05, 0x1f, 0x81, 1, 1, 1},
		"many values":        append([]byte{0x30, 0x84, 0x00, 0x40, 0, 0}, bytes.Repeat([]byte{4, 0}, maxElements+1)...),
	} {
		var s scanner
		if err := s.scan(stream); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

// What the scanner lets through, the decoder takes no more of than it bounds.
func FuzzFrames(f *testing.F) {
	f.Add(respond(1, goldap.ApplicationBindResponse, 0, "x").Bytes())
	f.Add(entryMessage(1, "uid=ada,dc=x", "cn", "Ada").Bytes())
	f.Add([]byte{0x30, 0x84, 0, 0, 0, 2, 4, 0})
	f.Fuzz(func(t *testing.T, stream []byte) {
		var whole, single scanner
		wrong := whole.scan(stream)
		for _, b := range stream {
			if err := single.scan([]byte{b}); err != nil {
				if wrong == nil || err.Error() != wrong.Error() {
					t.Fatalf("byte by byte: %v; at once: %v", err, wrong)
				}
				return
			}
		}
		if wrong != nil {
			t.Fatalf("at once: %v; byte by byte nothing", wrong)
		}
		ber.DecodePacketErr(stream)
	})
}

// No entry makes more than an object with sound names, or a problem.
func FuzzTranslate(f *testing.F) {
	f.Add("uid=ada,dc=x", "cn", []byte("Ada"))
	f.Add("uid=ada", "manager", []byte("uid=boss"))
	f.Add("uid=ada", "manager;range=0-1", []byte("uid=boss"))
	f.Add("x", "a b", []byte{0xff, 0})
	d := &search{typ: directory.User, references: []reference{{"manager", "manager"}}}
	f.Fuzz(func(t *testing.T, dn, name string, value []byte) {
		entry := &goldap.Entry{DN: dn, Attributes: []*goldap.EntryAttribute{
			{Name: name, Values: []string{string(value)}, ByteValues: [][]byte{value}},
			{Name: strings.ToUpper(name), Values: []string{string(value)}, ByteValues: [][]byte{value}},
		}}
		thing := d.translate(entry, anchor{1}, newSubschema(nil, nil))
		if (thing.problem == "") != (thing.change.Kind == connector.Whole) || thing.problem != "" && len(thing.edges) > 0 {
			t.Fatalf("%+v", thing)
		}
		for _, attribute := range thing.change.Object.Attributes {
			if attribute.Name == "" || strings.ContainsRune(attribute.Name+attribute.Value.String(), 0) {
				t.Fatalf("%q", attribute)
			}
		}
	})
}

func TestAnchors(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var a anchor
		copy(a[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "bytes"))
		for _, text := range []string{a.String(), strings.ToUpper(a.String())} {
			if got, ok := parseAnchor(text); !ok || got != a {
				t.Fatalf("%s is %v, %t", text, got, ok)
			}
		}
	})
	for _, text := range []string{"", "x", strings.Repeat("0", 32), anchorOfNumber(1) + "0", "{" + anchorOfNumber(1) + "}", strings.Replace(anchorOfNumber(1), "-", "", 1) + "-"} {
		if _, ok := parseAnchor(text); ok {
			t.Errorf("%q is taken for an anchor", text)
		}
	}
}
