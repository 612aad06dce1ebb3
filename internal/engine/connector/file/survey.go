package file

import (
	"bytes"
	"context"
	"crypto/sha256"
	"slices"
)

// survey is what the first pass over a document finds.
type survey struct {
	identity
	content    string // digest
	rows       int
	broken     int  // rows that cannot be used by themselves
	doubtful   bool // absence from this document is no evidence
	first      []row
	duplicates map[anchorHash][]uint32 // the lines of ids that several rows bear
}

// anchorHash stands for an anchor: rows are many, and hold anchors of any size.
type anchorHash [12]byte

func hashOf(anchor string) anchorHash {
	digest := sha256.Sum256([]byte(anchor))
	return anchorHash(digest[:12])
}

// sighting is one row's id: 16 bytes a row are kept.
type sighting struct {
	anchor anchorHash
	line   uint32
}

// survey gives what the first pass over a document finds: what it found before,
// when the file still has the same content.
func (d *document) survey(ctx context.Context) (*survey, error) {
	before, err := d.identify()
	if err != nil {
		return nil, err
	}
	if found := remembered.of(d.declared); found != nil && found.Size == before.Size {
		content, err := d.content(ctx)
		if err != nil {
			return nil, err
		}
		if content == found.content {
			again := *found
			again.identity = before
			return &again, nil
		}
	}
	found, err := d.surveyAnew(ctx, before)
	if err == nil {
		remembered.keep(d.declared, found)
	}
	return found, err
}

// surveyAnew reads the whole document once, and keeps the first broken rows.
func (d *document) surveyAnew(ctx context.Context, looks identity) (*survey, error) {
	const kept = 5
	found := &survey{identity: looks}
	var seen []sighting
	content, err := d.each(ctx, false, func(r row) error {
		found.rows++
		found.doubtful = found.doubtful || r.doubtful || r.anchor == ""
		if r.problem != "" {
			if found.broken++; found.broken > maxProblems {
				return d.unreadable(r.line, "see that the file is what it should be", "more than %d rows are broken; this one: %s", maxProblems, r.problem)
			}
			if len(found.first) < kept {
				found.first = append(found.first, r)
			}
		}
		if r.anchor != "" {
			seen = append(seen, sighting{hashOf(r.anchor), uint32(r.line)})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	found.content = content
	if found.duplicates = duplicatesOf(seen); len(found.duplicates) > maxProblems {
		return nil, d.unreadable(0, "see that "+d.block+".id names the right column", "more than %d ids stand on several lines", maxProblems)
	}
	return found, nil
}

// duplicatesOf gives the lines of what was seen more than once. It sorts seen.
func duplicatesOf(seen []sighting) map[anchorHash][]uint32 {
	slices.SortFunc(seen, func(a, b sighting) int {
		if c := bytes.Compare(a.anchor[:], b.anchor[:]); c != 0 {
			return c
		}
		return int(int64(a.line) - int64(b.line))
	})
	duplicates := make(map[anchorHash][]uint32)
	for i := 1; i < len(seen); i++ {
		if seen[i].anchor != seen[i-1].anchor {
			continue
		}
		lines := duplicates[seen[i].anchor]
		if lines == nil {
			lines = []uint32{seen[i-1].line}
		}
		duplicates[seen[i].anchor] = append(lines, seen[i].line)
	}
	return duplicates
}

// linesOf gives the lines of an id that several rows bear; nil for any other.
func (s *survey) linesOf(anchor string) []uint32 {
	if len(s.duplicates) == 0 || anchor == "" {
		return nil
	}
	return s.duplicates[hashOf(anchor)]
}
