package ledger

import (
	"encoding/json"
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
	ID      string                  `json:"id,omitempty"`
	Cycle   string                  `json:"cycle"`
	Change  string                  `json:"change"` // id of the log entry that tells the outcome
	At      time.Time               `json:"at"`
	Matches []IntentMatch           `json:"matches,omitempty"` // by which a created account is found again
	Unique  []IntentMatch           `json:"unique,omitempty"`  // chosen because nobody had them; others leave them alone
	Display string                  `json:"display,omitempty"`
	// Unknown tells that the send was made and its outcome is not known.
	Unknown bool `json:"unknown,omitempty"`
}

// IntentMatch is one attribute that was sent with a create.
type IntentMatch struct {
	Path  directory.Path  `json:"path"`
	Value directory.Value `json:"value"`
}

// Intents gives every open intent of the app.
func (l *Ledger) Intents() ([]Intent, error) {
	var intents []Intent
	err := store.Each(l.r, tableIntents, store.Prefix(l.app), func(row store.Row) error {
		var intent Intent
		if err := json.Unmarshal(row.Value, &intent); err != nil {
			return fmt.Errorf("an intent of app %s: %w", l.app, err)
		}
		intents = append(intents, intent)
		return nil
	})
	return intents, err
}

// Intent gives the open intent of an object, nil when there is none.
func (l *Ledger) Intent(key directory.Key) (*Intent, error) {
	data, err := l.r.Get(tableIntents, store.Key(l.app, key.Type, key.Anchor))
	if err != nil || data == nil {
		return nil, err
	}
	var intent Intent
	if err := json.Unmarshal(data, &intent); err != nil {
		return nil, fmt.Errorf("intent for %s: %w", key, err)
	}
	return &intent, nil
}

// BeginIntent gives the mutation that opens or replaces an object's intent.
func (l *Ledger) BeginIntent(intent Intent) (store.Mutation, error) {
	data, err := json.Marshal(intent)
	if err != nil {
		return store.Mutation{}, fmt.Errorf("intent for %s: %w", intent.Key, err)
	}
	return store.Put(tableIntents, store.Key(l.app, intent.Key.Type, intent.Key.Anchor), data), nil
}

// EndIntent gives the mutation that ends an object's intent.
func (l *Ledger) EndIntent(key directory.Key) store.Mutation {
	return store.Delete(tableIntents, store.Key(l.app, key.Type, key.Anchor))
}
