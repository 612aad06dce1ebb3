package ledger

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/provision"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// The stored form of a link: a zero byte, and the length of a head, which is what
// it takes to refer to the account; then all else.
//
//	head: flags | target id | of a disabled account: loss, since when
//	then: due | display | claims | assignments | linked | changed | cycle |
//	      action | for each value '1' when it is ours, else '0' | values
//
// Rows of older versions begin with the length of a JSON text, which is not zero.
const linkMark = 0

type linkFlag int64

const (
	linkCreated linkFlag = 1 << iota
	linkUnproven
	linkDisabled
)

func appendLink(data []byte, l *provision.Link) ([]byte, error) {
	var flags linkFlag
	if l.CreatedByUs {
		flags |= linkCreated
	}
	if l.Unproven {
		flags |= linkUnproven
	}
	if l.Disabled != nil {
		flags |= linkDisabled
	}
	var buffer [128]byte
	head := directory.AppendText(binary.AppendVarint(buffer[:0], int64(flags)), l.TargetID)
	if l.Disabled != nil {
		head = directory.AppendTime(directory.AppendText(head, string(l.Disabled.Loss)), l.Disabled.At)
	}
	data = binary.AppendUvarint(append(data, linkMark), uint64(len(head)))
	data = append(data, head...)
	data = directory.AppendTime(data, l.Due)
	data = directory.AppendText(data, l.Display)
	data = binary.AppendUvarint(data, uint64(len(l.Claims)))
	for _, claim := range l.Claims {
		data = directory.AppendText(directory.AppendText(data, claim.Path), claim.Value)
	}
	data = binary.AppendUvarint(data, uint64(len(l.Assignment)))
	for _, id := range l.Assignment {
		data = directory.AppendText(data, id)
	}
	data = directory.AppendTime(directory.AppendTime(data, l.LinkedAt), l.ChangedAt)
	data = directory.AppendText(directory.AppendText(data, l.Cycle), string(l.Action))
	data = binary.AppendUvarint(data, uint64(len(l.Sent)))
	for _, sent := range l.Sent {
		own := byte('0')
		if sent.Own {
			own = '1'
		}
		data = append(data, own)
	}
	data = binary.AppendUvarint(data, uint64(len(l.Sent)))
	for _, sent := range l.Sent {
		var err error
		if data, err = sent.Value.AppendBinary(directory.AppendText(data, sent.Path)); err != nil {
			return nil, err
		}
	}
	return data, nil
}

// linkSize gives about how many bytes a link takes.
func linkSize(l *provision.Link) int {
	const others, number = 80, 12 // bytes of what is fixed, and of a value that is no text
	size := others + len(l.TargetID) + len(l.Display)
	for _, claim := range l.Claims {
		size += len(claim.Path) + len(claim.Value) + 2
	}
	for _, id := range l.Assignment {
		size += len(id) + 1
	}
	for _, sent := range l.Sent {
		size += len(sent.Path) + 4
		if text, ok := sent.Value.AsText(); ok {
			size += len(text)
		} else {
			size += number
		}
	}
	return size
}

var errLink = errors.New("a stored link is damaged")

// decodeHead reads what it takes to refer to a link's account.
func decodeHead(data []byte) (*provision.Head, error) {
	if isJSONLink(data) {
		link, err := decodeJSONLink(data)
		return link.Head(), err
	}
	head, _, err := splitHead(data)
	return &head, err
}

func isJSONLink(data []byte) bool { return len(data) > 0 && data[0] != linkMark }

// splitHead is decodeHead of a row that is not JSON, and gives what follows.
func splitHead(data []byte) (head provision.Head, rest []byte, err error) {
	if len(data) == 0 {
		return provision.Head{}, nil, errLink
	}
	text, rest, err := splitLink(data[1:])
	if err != nil {
		return provision.Head{}, nil, err
	}
	d := directory.NewDecoder(text)
	flags := linkFlag(d.Integer())
	head.TargetID = d.Text()
	head.CreatedByUs, head.Unproven = flags&linkCreated != 0, flags&linkUnproven != 0
	if flags&linkDisabled != 0 {
		head.Disabled = &provision.Disabled{Loss: provision.Loss(d.Text()), At: d.Time()}
	}
	if d.Err() != nil {
		return provision.Head{}, nil, fmt.Errorf("%w: %w", errLink, d.Err())
	}
	return head, rest, nil
}

func decodeLink(data []byte) (provision.Link, error) {
	if isJSONLink(data) {
		return decodeJSONLink(data)
	}
	head, rest, err := splitHead(data)
	if err != nil {
		return provision.Link{}, err
	}
	link := provision.Link{TargetID: head.TargetID, CreatedByUs: head.CreatedByUs, Unproven: head.Unproven, Disabled: head.Disabled}
	d := directory.NewDecoder(rest)
	link.Due = d.Time()
	link.Display = d.Text()
	for range d.Count() {
		link.Claims = append(link.Claims, provision.Claim{Path: d.Text(), Value: d.Text()})
	}
	for range d.Count() {
		link.Assignment = append(link.Assignment, d.Text())
	}
	link.LinkedAt, link.ChangedAt = d.Time(), d.Time()
	link.Cycle, link.Action = d.Text(), provision.Action(d.Text())
	link.Sent, err = decodeSent(d, d.Text())
	return link, err
}

// splitLink gives the head of a link, whose length stands before it, and what
// follows.
func splitLink(data []byte) (head, rest []byte, err error) {
	size, n := binary.Uvarint(data)
	if n <= 0 || size > uint64(len(data)-n) {
		return nil, nil, errLink
	}
	return data[n : n+int(size)], data[n+int(size):], nil
}

// decodeSent reads values as directory.Attributes are stored, each of which own
// tells to be ours or not.
func decodeSent(d *directory.Decoder, own string) (provision.SentValues, error) {
	if n := d.Count(); n != len(own) && d.Err() == nil {
		return nil, errLink
	}
	sent := make(provision.SentValues, len(own))
	for i := range sent {
		sent[i].Path, sent[i].Value = d.Text(), d.Value()
		if d.Err() != nil {
			break
		}
		sent[i].Own = own[i] == '1'
		if i > 0 && sent[i].Path <= sent[i-1].Path {
			return nil, fmt.Errorf("%w: its values are not in order", errLink)
		}
	}
	if d.Err() != nil {
		return nil, fmt.Errorf("%w: %w", errLink, d.Err())
	}
	return sent, nil
}

// decodeJSONLink reads a row as older versions wrote it.
func decodeJSONLink(data []byte) (provision.Link, error) {
	head, rest, err := splitLink(data)
	if err != nil {
		return provision.Link{}, err
	}
	var meta struct {
		TargetID    string              `json:"t"`
		CreatedByUs bool                `json:"c"`
		Disabled    *provision.Disabled `json:"d"`
		Unproven    bool                `json:"u"`
		Due         time.Time           `json:"due"`
		Display     string              `json:"n"`
		Claims      []provision.Claim   `json:"m"`
		Assignment  []string            `json:"a"`
		LinkedAt    time.Time           `json:"l"`
		ChangedAt   time.Time           `json:"w"`
		Cycle       string              `json:"y"`
		Action      provision.Action    `json:"x"`
		Own         string              `json:"o"`
	}
	if err := json.Unmarshal(head, &meta); err != nil {
		return provision.Link{}, fmt.Errorf("%w: %w", errLink, err)
	}
	sent, err := decodeSent(directory.NewDecoder(rest), meta.Own)
	return provision.Link{
		TargetID: meta.TargetID, CreatedByUs: meta.CreatedByUs, Disabled: meta.Disabled, Unproven: meta.Unproven, Due: meta.Due,
		Display: meta.Display, Claims: meta.Claims, Assignment: meta.Assignment, LinkedAt: meta.LinkedAt, ChangedAt: meta.ChangedAt,
		Cycle: meta.Cycle, Action: meta.Action, Sent: sent,
	}, err
}

// The stored form of an owner: the app's id, type and anchor, each but the last
// with a zero byte behind it. That of older versions is JSON.
func appendOwner(data []byte, o Owner) []byte {
	return store.AppendKey(data, o.AppID, o.Key.Type, o.Key.Anchor)
}

func decodeOwner(data []byte) (owner Owner, err error) {
	if len(data) > 0 && data[0] == '{' {
		return owner, json.Unmarshal(data, &owner)
	}
	app, key, ok := cut(data)
	typ, anchor, complete := strings.Cut(key, "\x00")
	if !ok || !complete {
		return Owner{}, errors.New("the row is damaged")
	}
	return Owner{app, directory.Key{Type: typ, Anchor: anchor}}, nil
}

// The stored form of a member of a group: '1' when the engine put it there, else
// '0', and the id of its account. That of older versions is JSON.
func encodeMember(m Member) []byte {
	own := byte('0')
	if m.Own {
		own = '1'
	}
	return append(append(make([]byte, 0, 1+len(m.ID)), own), m.ID...)
}

func decodeMember(data []byte) (id string, own bool, err error) {
	switch {
	case len(data) == 0:
	case data[0] == '{':
		var row struct {
			ID  string `json:"id"`
			Own bool   `json:"own"`
		}
		err := json.Unmarshal(data, &row)
		return row.ID, row.Own, err
	case data[0] == '0', data[0] == '1':
		return string(data[1:]), data[0] == '1', nil
	}
	return "", false, errors.New("the row is damaged")
}
