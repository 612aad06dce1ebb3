package ledger

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// Intent says that a write may have been sent. It is durable before the send,
// and ends in the transaction that records the outcome: one that is open at a
// start means that nobody knows, and the account is looked up before anything
// else is sent for the object.
type Intent struct {
	Key     directory.Key           `json:"key"`
	Kind    connector.OperationKind `json:"kind"`
	At      time.Time               `json:"at"`
	Matches []IntentMatch           `json:"matches"` // by which a created account is found again
	Unique  []IntentMatch           `json:"unique"`  // chosen because nobody had them; others leave them alone
	Display string                  `json:"display"`
	// Unknown tells that the send was made and its outcome is not known.
	Unknown bool `json:"unknown"`
}

// IntentMatch is one attribute that was sent with a create.
type IntentMatch struct {
	Path  directory.Path  `json:"path"`
	Value directory.Value `json:"value"`
}

// Intents gives every open intent of the app.
func (l *Ledger) Intents() ([]Intent, error) {
	prefix := store.Prefix(l.app)
	var intents []Intent
	err := store.Each(l.r, tableIntents, prefix, func(row store.Row) error {
		typ, anchor, ok := cut(row.Key[len(prefix):])
		intent, err := decodeIntent(row.Value)
		if !ok {
			err = errIntent
		}
		if err != nil {
			return fmt.Errorf("an intent of app %s: %w", l.app, err)
		}
		intent.Key = directory.Key{Type: typ, Anchor: anchor}
		intents = append(intents, *intent)
		return nil
	})
	return intents, err
}

// Intent gives the open intent of an object, nil when there is none.
func (l *Ledger) Intent(key directory.Key) (*Intent, error) {
	intents, err := l.IntentsOf([]directory.Key{key})
	if err != nil {
		return nil, err
	}
	return intents[0], nil
}

// BeginIntent gives the mutation that opens or replaces an object's intent.
func (l *Ledger) BeginIntent(intent Intent) (store.Mutation, error) {
	data, err := encodeIntent(&intent)
	if err != nil {
		return store.Mutation{}, fmt.Errorf("intent for %s: %w", intent.Key, err)
	}
	return store.Put(tableIntents, store.Key(l.app, intent.Key.Type, intent.Key.Anchor), data), nil
}

// EndIntent gives the mutation that ends an object's intent.
func (l *Ledger) EndIntent(key directory.Key) store.Mutation {
	return store.Delete(tableIntents, store.Key(l.app, key.Type, key.Anchor))
}

// The stored form of an intent, but for its key:
//
//	a zero byte | '1' when the outcome is unknown, else '0' | kind | at |
//	display | matches | unique
//
// That of older versions is JSON.
const intentMark = 0

func encodeIntent(i *Intent) ([]byte, error) {
	data := append(make([]byte, 0, 128), intentMark, '0')
	if i.Unknown {
		data[1] = '1'
	}
	data = directory.AppendText(data, string(i.Kind))
	data = directory.AppendText(directory.AppendTime(data, i.At), i.Display)
	for _, matches := range [][]IntentMatch{i.Matches, i.Unique} {
		data = binary.AppendUvarint(data, uint64(len(matches)))
		for _, m := range matches {
			var err error
			if data, err = m.Value.AppendBinary(directory.AppendText(data, m.Path.String())); err != nil {
				return nil, err
			}
		}
	}
	return data, nil
}

var errIntent = errors.New("a stored intent is damaged")

func decodeIntent(data []byte) (*Intent, error) {
	intent := new(Intent)
	if len(data) > 0 && data[0] == '{' {
		return intent, json.Unmarshal(data, intent)
	}
	if len(data) < 2 || data[0] != intentMark {
		return nil, errIntent
	}
	intent.Unknown = data[1] == '1'
	d := directory.NewDecoder(data[2:])
	intent.Kind, intent.At = connector.OperationKind(d.Text()), d.Time()
	intent.Display = d.Text()
	for _, to := range []*[]IntentMatch{&intent.Matches, &intent.Unique} {
		for _, a := range d.Attributes() {
			path, err := directory.ParsePath(a.Name)
			if err != nil {
				return nil, fmt.Errorf("%w: %w", errIntent, err)
			}
			*to = append(*to, IntentMatch{path, a.Value})
		}
	}
	if d.Err() != nil {
		return nil, fmt.Errorf("%w: %w", errIntent, d.Err())
	}
	return intent, nil
}
