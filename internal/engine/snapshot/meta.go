package snapshot

import (
	"encoding/json"
	"fmt"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// meta is what is known of the source as a whole.
type meta struct {
	Version   int                 `json:"version"`
	Sequence  uint64              `json:"sequence"`
	Counts    map[string]tally    `json:"counts,omitempty"` // by object type
	Watermark connector.Watermark `json:"watermark,omitempty"`
	Types     []string            `json:"types,omitempty"` // that the watermark stands for
	Epoch     string              `json:"epoch,omitempty"`
	Imported  bool                `json:"imported,omitempty"` // a read has ended well
}

// tally counts what there is of one type.
type tally struct {
	Present     int `json:"present"`
	SoftDeleted int `json:"soft_deleted,omitempty"`
	Orphaned    int `json:"orphaned,omitempty"` // of the two above
	Edges       int `json:"edges,omitempty"`    // of holders of the type
}

// live counts the objects whose absence from a complete read would be news.
func (t tally) live() int { return t.Present + t.SoftDeleted - t.Orphaned }

func (t *tally) count(r *record, by int) {
	switch {
	case r == nil:
		return
	case r.state == Present:
		t.Present += by
	case r.state == SoftDeleted:
		t.SoftDeleted += by
	}
	if r.state.live() && r.flags.has(flagOrphaned) {
		t.Orphaned += by
	}
}

// metaVersion is 2 since objects need not have a number of their own: who knows
// only version 1 would not find them.
const metaVersion = 2

func (s *Snapshot) readMeta(r store.Reader) (meta, error) {
	m := meta{Version: metaVersion, Counts: make(map[string]tally)}
	value, err := r.Get(tableMeta, store.Key(s.source))
	if err != nil || value == nil {
		return m, err
	}
	if err := json.Unmarshal(value, &m); err != nil {
		return m, s.damaged("head: %v", err)
	}
	if m.Version > metaVersion {
		return m, fmt.Errorf("snapshot of source %s has version %d, this program knows %d: %w", s.source, m.Version, metaVersion, store.ErrNewer)
	}
	m.Version = metaVersion // of what is written from here on
	if m.Counts == nil {
		m.Counts = make(map[string]tally)
	}
	return m, nil
}
