package engine_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/chaos"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

func TestTwoEnginesOnOneDirectory(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		crowd(w, 3, nil)
		second := newWorld(t)
		second.data, second.dir, second.servers = w.data, w.dir, w.servers
		err := second.tryOpen()
		var told *api.Error
		if !errors.As(err, &told) || told.Code != api.CodeConflict || told.Advice == "" {
			t.Errorf("the second engine: %+v", err)
		}
		w.leave(1, 1)
		w.cycle()
		w.assertInvariants()
	})
}

// A store that cannot be trusted is refused and left as it is.
func TestUntrustedStoreIsRefused(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, path string){
		"truncated": func(t *testing.T, path string) { resize(t, path, 3) },
		"cut to a page": func(t *testing.T, path string) {
			if err := os.Truncate(path, int64(os.Getpagesize())); err != nil {
				t.Fatal(err)
			}
		},
		"emptied": func(t *testing.T, path string) { resize(t, path, 1<<40) },
		"head overwritten": func(t *testing.T, path string) {
			overwrite(t, path, 0, bytes.Repeat([]byte{0xa5}, 16<<10)) // both pages that tell where all else is
		},
		"another kind of file": func(t *testing.T, path string) {
			overwrite(t, path, 0, bytes.Repeat([]byte("SQLite format 3\x00"), os.Getpagesize()))
		},
		"newer": func(t *testing.T, path string) {
			db, err := bbolt.Open(path, 0o600, nil)
			if err != nil {
				t.Fatal(err)
			}
			err = db.Update(func(tx *bbolt.Tx) error {
				return tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
					return b.ForEach(func(k, v []byte) error {
						if bytes.Contains(bytes.ToLower(k), []byte("schema")) {
							return b.Put(bytes.Clone(k), []byte("9999"))
						}
						return nil
					})
				})
			})
			if err := errors.Join(err, db.Close()); err != nil {
				t.Fatal(err)
			}
		},
		"gone, the log left": func(t *testing.T, path string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				crowd(w, 3, nil)
				w.close()
				path := filepath.Join(w.data, store.FileName)
				spoil(t, path)
				before, _ := os.ReadFile(path)
				requests := w.requests()
				err := w.tryOpen()
				var told *api.Error
				if !errors.As(err, &told) || told.Detail == "" || told.Advice == "" {
					t.Fatalf("opened, or refused without a word: %+v", err)
				}
				after, err := os.ReadFile(path)
				if name == "gone, the log left" {
					if !errors.Is(err, fs.ErrNotExist) {
						t.Error("begun afresh")
					}
				} else if !bytes.Equal(before, after) {
					t.Error("the store was changed")
				}
				if w.requests() != requests {
					t.Error("the app was asked")
				}
			})
		})
	}
}

func resize(t *testing.T, path string, part int64) {
	t.Helper()
	info, err := os.Stat(path)
	if err == nil {
		err = os.Truncate(path, info.Size()/part)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func overwrite(t *testing.T, path string, at int64, data []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt(data, at)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

// A store that was lost with everything beside it is rebuilt by matching: none
// is created who exists, and nobody is removed.
func TestLostStoreIsRebuiltByMatching(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		company(w)
		w.close()
		w.data = tempDir(t)
		w.app, w.job = nil, nil
		clear(w.assignments)
		w.moved = time.Now()
		w.servers[firstServer].ResetWrites()
		w.leave(3, 3) // who left meanwhile is nobody's account now
		w.team(team{"g1", "Builders", []string{"1", "2", "4"}})
		w.save()
		w.open()
		w.declareApp(config.ScopeAssigned)
		w.assign("", "Builders")
		w.assign("", "Singers")
		w.apply()
		last := w.wait("initial_cycle")
		if last.Created != 0 || last.Disabled != 0 || last.Deleted != 0 || w.actives() != 5 {
			t.Errorf("the cycle: %+v\n%s", last, w.picture())
		}
		// Nobody put user3 there as far as is known.
		same(t, w.members("Builders"), "user1@example.com", "user2@example.com", "user3@example.com", "user4@example.com")
		w.assertInvariants()
	})
}

// A full disk stops everything, blames nobody, and is no busy loop; when there
// is room again, all goes on.
func TestFullDisk(t *testing.T) {
	full := errors.New("no space left on device")
	for _, early := range []bool{false, true} {
		bubble(t, func(t *testing.T, w *world) {
			crowd(w, 6, nil)
			w.staff(9)
			w.leave(1, 1)
			if early {
				w.faulty.Fail(full)
			} else {
				var sent atomic.Int64
				w.route(func(target connector.Target) connector.Target {
					return &before{target, func() {
						if sent.Add(1) == 3 {
							w.faulty.Fail(full)
						}
					}}
				})
			}
			requests, commits := w.requests(), w.faulty.Commits()
			time.Sleep(2 * time.Hour)
			if n := w.faulty.Commits() - commits; n > 500 {
				t.Errorf("%d commits were tried", n)
			}
			if n := w.requests() - requests; n > 20 {
				t.Errorf("%d requests while nothing could be recorded", n)
			}
			w.faulty.Fail(nil)
			w.route(nil)
			time.Sleep(3 * time.Hour)
			w.cycle()
			if w.actives() != 8 || len(w.escrows()) != 0 {
				t.Errorf("%d accounts, escrows %+v", w.actives(), w.escrows())
			}
			w.assertInvariants()
		})
	}
}

// One transaction that fails while later ones succeed loses nothing.
func TestOneFailedTransaction(t *testing.T) {
	for n := 0; n < 25; n += 2 {
		bubble(t, func(t *testing.T, w *world) {
			crowd(w, 3, nil)
			for _, id := range []string{"4", "5", "6", "7"} {
				w.person(person{id: id, name: "user" + id + "@example.com", department: "Legal", kind: "employee", manager: "1"})
			}
			p := w.people["5"]
			p.name = "user4@example.com" // the two fail, and must be seen to
			w.person(p)
			w.leave(2, 2)
			target := chaos.New(w.target(), connector.SystemClock(), chaos.Rule{Method: connector.MethodSend, Path: "userName", Value: "user7@example.com", Before: chaos.Error(connector.Rejected)})
			w.route(func(connector.Target) connector.Target { return target })
			w.faulty.FailOnce(n, errors.New("input/output error"))
			time.Sleep(10*time.Hour + 30*time.Minute)
			escrows := w.escrows()
			if w.actives() != 3 || len(escrows) != 3 || escrows[user(4)].Code == "" || escrows[user(5)].Code == "" || escrows[user(7)].Code == "" {
				t.Errorf("commit %d failed: %d accounts, escrows %+v", n, w.actives(), escrows)
			}
			w.assertInvariants()
		})
	}
}

// before calls f before each write.
type before struct {
	connector.Target
	f func()
}

func (b *before) Send(ctx context.Context, operation connector.Operation) (connector.Receipt, error) {
	b.f()
	return b.Target.Send(ctx, operation)
}

// The app's token is nowhere below the data directory and in no log line, plain
// or encoded.
func TestSecretIsNowhere(t *testing.T) {
	var logged bytes.Buffer
	q := newQuickstart(t)
	q.close()
	e, err := engine.Open(engine.Options{DataDir: q.data, Version: "test", Logger: slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		t.Fatal(err)
	}
	q.engine = e
	q.declare()
	q.wait("initial_cycle")
	q.server.Close() // what fails is told of, too
	q.write("people.csv", "employee_id,email,first_name,last_name,title,department,employee_type,manager_id\n2,ada@example.com,Ada,King,Countess,Engineering,employee,\n")
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	if _, err := q.engine.Wait(ctx, q.chat.ID, api.WaitRequest{For: "next_cycle"}, nil); err != nil {
		t.Fatal(err)
	}
	q.close()
	needles := [][]byte{[]byte(token), []byte(base64.StdEncoding.EncodeToString([]byte(token))), []byte(base64.RawURLEncoding.EncodeToString([]byte(token)))}
	search := func(where string, data []byte) {
		for _, needle := range needles {
			if bytes.Contains(data, needle) {
				t.Errorf("the token is in %s", where)
			}
		}
	}
	search("the log", logged.Bytes())
	files := 0
	err = filepath.WalkDir(q.data, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		files++
		data, err := os.ReadFile(path)
		search(path, data)
		return err
	})
	if err != nil || files < 3 {
		t.Errorf("%d files were searched: %v", files, err)
	}
}
