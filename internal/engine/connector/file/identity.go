package file

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
)

// identity is what a file looks like from outside.
type identity struct {
	Size     int64  `json:"size"`
	Modified int64  `json:"modified"` // nanoseconds since 1970
	Inode    uint64 `json:"inode"`
}

// watermark is what was read: the settings it was read by, and the file of each
// object type.
type watermark struct {
	Version  int              `json:"version"`
	Settings string           `json:"settings"`
	Files    map[string]state `json:"files"`
}

// watermarkVersion grows when the same document comes to mean other objects.
const watermarkVersion = 1

// state is one file as it was read.
type state struct {
	identity
	Content string `json:"content"` // digest
	// Settled says that the file had been left alone for long enough when it was
	// read: a later change shows in its time. Otherwise only its content tells.
	Settled bool `json:"settled"`
}

// settling is longer than the steps in which file systems keep time.
const settling = 2 * time.Second

// identify looks at a document's file. Only a regular file is one.
func (d *document) identify() (identity, error) {
	info, err := os.Stat(d.path)
	if err != nil {
		return identity{}, d.absent(err)
	}
	if !info.Mode().IsRegular() {
		return identity{}, d.unreadable(0, "set "+d.block+".path to a file", "it is no regular file but %s", kindOf(info))
	}
	return identity{info.Size(), info.ModTime().UnixNano(), inode(info)}, nil
}

func kindOf(info fs.FileInfo) string {
	if info.IsDir() {
		return "a folder"
	}
	return "a device, pipe or socket"
}

// openFile opens a document's file.
func (d *document) openFile() (*os.File, error) {
	if _, err := d.identify(); err != nil {
		return nil, err
	}
	file, err := os.Open(d.path)
	if err != nil {
		return nil, d.absent(err)
	}
	return file, nil
}

func (d *document) absent(err error) error {
	advice := "see that the path is right"
	switch {
	case os.IsNotExist(err):
		advice = "put the file there, or correct " + d.block + ".path; the agent reads it on its own machine"
	case os.IsPermission(err):
		advice = "let the agent's user read the file and enter the folders above it"
	}
	unreadable := d.unreadable(0, advice, "it cannot be opened: %v", cause(err))
	var failed *connector.Error
	if errors.As(unreadable, &failed) {
		failed.Err = err
	}
	return unreadable
}

// content gives the digest of a document's bytes.
func (d *document) content(ctx context.Context) (string, error) {
	file, err := d.openFile()
	if err != nil {
		return "", err
	}
	defer file.Close()
	digest := sha256.New()
	for {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		switch _, err := io.CopyN(digest, file, 16*chunk); {
		case err == nil:
		case errors.Is(err, io.EOF):
			return hex.EncodeToString(digest.Sum(nil)), nil
		default:
			return "", d.unreadable(0, "look at the disk or share that holds the file", "it cannot be read to its end: %v", cause(err))
		}
	}
}

// settled reports whether the file was left alone long enough before now.
func (i identity) settled(now time.Time) bool {
	return time.Unix(0, i.Modified).Before(now.Add(-settling))
}

// unchanged reports whether the documents hold what they held at a watermark,
// and gives the watermark from there on. It looks into a file only when its
// outside does not tell.
func (s *source) unchanged(ctx context.Context, since connector.Watermark, documents []*document) (connector.Watermark, bool, error) {
	var old watermark
	if json.Unmarshal(since, &old) != nil || old.Version != watermarkVersion || old.Settings != s.settings {
		return nil, false, nil
	}
	now := s.now()
	next := watermark{Version: watermarkVersion, Settings: s.settings, Files: make(map[string]state)}
	for _, d := range documents {
		was, known := old.Files[d.typ]
		if !known {
			return nil, false, nil
		}
		is, err := d.identify()
		if err != nil {
			return nil, false, err
		}
		if was.identity != is || !was.Settled {
			if was.Size != is.Size {
				return nil, false, nil
			}
			content, err := d.content(ctx)
			if err != nil {
				return nil, false, err
			}
			after, err := d.identify()
			if err != nil {
				return nil, false, err
			}
			if content != was.Content || after != is {
				return nil, false, nil
			}
			was = state{is, content, is.settled(now)}
		}
		next.Files[d.typ] = was
	}
	encoded, err := json.Marshal(next)
	return encoded, err == nil, err
}

// digestOf gives the digest of a value's JSON.
func digestOf(value any) string {
	encoded, err := json.Marshal(value)
	if err != nil {
		panic(err) // plain structs of texts always encode
	}
	digest := sha256.Sum256(encoded)
	return hex.EncodeToString(digest[:])
}
