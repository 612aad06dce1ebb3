package ldap

import (
	"encoding/json"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
)

// watermarkVersion grows when the same directory comes to mean other objects.
const watermarkVersion = 1

// watermark is what was read: the settings it was read by, and how far each
// object type was.
type watermark struct {
	Version  int                 `json:"version"`
	Settings string              `json:"settings"`
	Epoch    string              `json:"epoch"`
	Types    map[string]position `json:"types"`
}

// position is how far one type was read.
type position struct {
	Cookie []byte `json:"cookie,omitempty"` // of a refresh (RFC 4533); none: by time
	// Fresh says that the youngest modifyTimestamp was new to this read: an entry
	// may change once more within the second that it shows.
	Fresh bool `json:"fresh,omitempty"`
	tally
}

// position gives where each of the searches ended; nil when one of them has to
// begin from the start.
func (s *source) position(since connector.Watermark, epoch string, searches []*search) map[string]position {
	var old watermark
	if s.incremental == incrementalFull || len(since) == 0 || json.Unmarshal(since, &old) != nil {
		return nil
	}
	if old.Version != watermarkVersion || old.Settings != s.settings || old.Epoch != epoch {
		return nil
	}
	for _, d := range searches {
		at, known := old.Types[d.typ]
		if s.incremental == incrementalTimestamp {
			at.Cookie = nil
			old.Types[d.typ] = at
		}
		timed := s.incremental != incrementalSyncrepl && !at.Latest.IsZero()
		if !known || len(at.Cookie) == 0 && !timed {
			return nil
		}
	}
	return old.Types
}

// watermark encodes where the searches ended.
func (s *source) watermark(epoch string, at map[string]position) (connector.Watermark, error) {
	return json.Marshal(watermark{Version: watermarkVersion, Settings: s.settings, Epoch: epoch, Types: at})
}
