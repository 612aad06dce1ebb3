package snapshot

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// record is the stored form of an object: a head of fixed size, and the body,
// which is aliases and attributes in one canonical form.
//
//	version 1 | state 1 | flags 1 | since 8 | hash 16 | body
type record struct {
	state State
	flags flag
	since int64 // nanoseconds since 1970
	hash  [16]byte
	body  []byte
	room  []byte // for the head, with the body behind it; nil when there is none
}

type flag uint8

const (
	flagKnown    flag = 1 << iota // the body was read
	flagOrphaned                  // not named since the epoch changed
	flagProblem                   // there is a row in the table of problems
)

func (f flag) has(g flag) bool { return f&g != 0 }

const (
	recordVersion = 1
	headSize      = 27
)

// encode gives the stored form, in the record's own room if it has some.
func (r *record) encode() []byte {
	out := r.room
	if out == nil {
		out = make([]byte, headSize+len(r.body))
		copy(out[headSize:], r.body)
	}
	out[0], out[1], out[2] = recordVersion, byte(r.state), byte(r.flags)
	binary.BigEndian.PutUint64(out[3:], uint64(r.since))
	copy(out[11:headSize], r.hash[:])
	return out
}

func (s *Snapshot) decodeRecord(key directory.Key, value []byte) (record, error) {
	if len(value) < headSize || value[0] != recordVersion {
		return record{}, s.damaged("record of %v", key)
	}
	return record{
		state: State(value[1]),
		flags: flag(value[2]),
		since: int64(binary.BigEndian.Uint64(value[3:])),
		hash:  [16]byte(value[11:headSize]),
		body:  value[headSize:],
	}, nil
}

// newRecord gives what is stored of an object that was read, but for the time:
// the canonical form of aliases, which are sorted first, and attributes.
func newRecord(in *arena, aliases []directory.Ref, attributes directory.Attributes) (record, error) {
	aliases = slices.DeleteFunc(slices.Clone(aliases), func(ref directory.Ref) bool { return !validRef(ref) })
	slices.SortFunc(aliases, compareRefs)
	aliases = slices.Compact(aliases)
	room := binary.AppendUvarint(in.room(guess(aliases, attributes))[:headSize], uint64(len(aliases)))
	for _, ref := range aliases {
		room = directory.AppendText(directory.AppendText(room, ref.By), ref.Value)
	}
	room, err := attributes.AppendBinary(room)
	if err != nil {
		return record{}, err
	}
	room = in.keep(room)
	r := record{state: Present, flags: flagKnown, body: room[headSize:], room: room}
	digest := sha256.Sum256(r.body)
	r.hash = [16]byte(digest[:])
	return r, nil
}

// guess gives how many bytes a record takes, about.
func guess(aliases []directory.Ref, attributes directory.Attributes) int {
	const (
		around = 8  // what stands before or behind a text
		other  = 32 // a value that is no text
	)
	size := headSize + 2*around
	for _, ref := range aliases {
		size += len(ref.By) + len(ref.Value) + around
	}
	for _, attribute := range attributes {
		size += len(attribute.Name) + around
		if attribute.Value.Kind() == directory.KindText {
			size += len(attribute.Value.String())
		} else {
			size += other
		}
	}
	return size
}

func compareRefs(a, b directory.Ref) int {
	if c := strings.Compare(a.By, b.By); c != 0 {
		return c
	}
	return strings.Compare(a.Value, b.Value)
}

func (s *Snapshot) decodeAliases(key directory.Key, body []byte) (aliases []directory.Ref, rest []byte, err error) {
	if len(body) == 0 {
		return nil, nil, nil // only ever seen
	}
	count, size := binary.Uvarint(body)
	if size <= 0 {
		return nil, nil, s.damaged("record of %v", key)
	}
	rest = body[size:]
	for range count {
		var texts [2]string
		for i := range texts {
			length, size := binary.Uvarint(rest)
			if size <= 0 || length > uint64(len(rest)-size) {
				return nil, nil, s.damaged("record of %v", key)
			}
			texts[i], rest = string(rest[size:size+int(length)]), rest[size+int(length):]
		}
		aliases = append(aliases, directory.Ref{By: texts[0], Value: texts[1]})
	}
	return aliases, rest, nil
}

// decodeBody reads aliases, and the attributes that are named; nil: all.
func (s *Snapshot) decodeBody(key directory.Key, body []byte, names []string) ([]directory.Ref, directory.Attributes, error) {
	aliases, rest, err := s.decodeAliases(key, body)
	if err != nil || len(rest) == 0 {
		return aliases, nil, err
	}
	var attributes directory.Attributes
	if names == nil {
		attributes, _, err = directory.DecodeAttributes(rest)
	} else {
		attributes, err = directory.DecodeSome(rest, names)
	}
	if err != nil {
		return nil, nil, s.damaged("record of %v: %v", key, err)
	}
	return aliases, attributes, nil
}

// open gives a stored record as readers see it, but for its sequence and its
// problem, and whether it has one: with the attributes that are named, all for
// nil. It keeps nothing of the value.
func (s *Snapshot) open(key directory.Key, value []byte, names []string) (opened Record, problem bool, err error) {
	r, err := s.decodeRecord(key, value)
	if err != nil {
		return Record{}, false, err
	}
	aliases, attributes, err := s.decodeBody(key, r.body, names)
	if err != nil {
		return Record{}, false, err
	}
	return Record{
		Object:   directory.Object{Key: key, Attributes: attributes},
		Aliases:  aliases,
		State:    r.state,
		Since:    time.Unix(0, r.since).UTC(),
		Known:    r.flags.has(flagKnown),
		Orphaned: r.flags.has(flagOrphaned),
		Hash:     r.hash,
	}, r.flags.has(flagProblem), nil
}
