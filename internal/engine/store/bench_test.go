package store_test

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

const (
	benchRows = 100_000
	benchPage = 1_000
)

// benchKeys gives keys as an import writes them: scattered over all pages.
func benchKeys() [][]byte {
	random := rand.New(rand.NewPCG(1, 1))
	keys := make([][]byte, benchRows)
	for i, at := range random.Perm(benchRows) {
		keys[i] = binary.BigEndian.AppendUint64(nil, uint64(at))
	}
	return keys
}

// BenchmarkPuts writes 100,000 rows of 800 bytes in pages of 1,000; the bare
// one is bbolt with neither order, checksum nor queue.
func BenchmarkPuts(b *testing.B) {
	keys, value := benchKeys(), make([]byte, 800)
	b.Run("store", func(b *testing.B) {
		for b.Loop() {
			s, err := store.Open(filepath.Join(b.TempDir(), "s"), store.Options{Create: true})
			if err != nil {
				b.Fatal(err)
			}
			for from := 0; from < benchRows; from += benchPage {
				mutations := make([]store.Mutation, 0, benchPage)
				for _, key := range keys[from : from+benchPage] {
					mutations = append(mutations, store.Put("t", key, value))
				}
				if err := s.Commit(b.Context(), mutations...); err != nil {
					b.Fatal(err)
				}
			}
			s.Close()
		}
		b.ReportMetric(float64(b.N)*benchRows/b.Elapsed().Seconds(), "rows/s")
	})
	b.Run("bare", func(b *testing.B) {
		for b.Loop() {
			db, err := bbolt.Open(filepath.Join(b.TempDir(), "s"), 0o600, nil)
			if err != nil {
				b.Fatal(err)
			}
			for from := 0; from < benchRows; from += benchPage {
				err := db.Update(func(tx *bbolt.Tx) error {
					bucket, err := tx.CreateBucketIfNotExists([]byte("t"))
					if err != nil {
						return err
					}
					for _, key := range keys[from : from+benchPage] {
						if err := bucket.Put(key, value); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			db.Close()
		}
		b.ReportMetric(float64(b.N)*benchRows/b.Elapsed().Seconds(), "rows/s")
	})
}

// BenchmarkReads reads rows of 800 bytes: one by one, 256 neighbours by their
// keys, and a page of as many.
func BenchmarkReads(b *testing.B) {
	const size = 256
	s, err := store.Open(filepath.Join(b.TempDir(), "s"), store.Options{Create: true})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	keys, value := benchKeys(), make([]byte, 800)
	slices.SortFunc(keys, bytes.Compare)
	mutations := make([]store.Mutation, len(keys))
	for i, key := range keys {
		mutations[i] = store.Put("t", key, value)
	}
	for page := range slices.Chunk(mutations, benchPage) {
		if err := s.Commit(b.Context(), page...); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("get", func(b *testing.B) {
		b.ReportAllocs()
		for n := 0; b.Loop(); n++ {
			if value, err := s.Get("t", keys[n%len(keys)]); err != nil || value == nil {
				b.Fatal(value, err)
			}
		}
	})
	b.Run("get all", func(b *testing.B) {
		b.ReportAllocs()
		for n := 0; b.Loop(); n++ {
			from := n * size % (len(keys) - size)
			found := 0
			err := s.GetAll("t", keys[from:from+size], func(int, []byte) error { found++; return nil })
			if err != nil || found != size {
				b.Fatal(found, err)
			}
		}
	})
	b.Run("page", func(b *testing.B) {
		b.ReportAllocs()
		for n := 0; b.Loop(); n++ {
			rows, err := s.Page("t", keys[n*size%(len(keys)-size)], nil, size)
			if err != nil || len(rows) != size {
				b.Fatal(len(rows), err)
			}
		}
	})
}

// BenchmarkEnqueue writes 64 rows of 800 bytes behind all others at a time, as
// links and log entries come.
func BenchmarkEnqueue(b *testing.B) {
	const size = 64
	s, err := store.Open(filepath.Join(b.TempDir(), "s"), store.Options{Create: true})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	value := make([]byte, 800)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		var ticket store.Ticket
		for i := range size {
			ticket = s.Enqueue(store.Put("t", binary.BigEndian.AppendUint64(nil, uint64(n*size+i)), value))
		}
		if err := ticket.Wait(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLines writes 256 lines of 2,400 bytes at a time and takes them away
// again, as the log does: as lines, and as rows of their own.
func BenchmarkLines(b *testing.B) {
	const size = 256
	line := make([]byte, 2400)
	for name, put := range map[string]func(store.Table, []byte, []byte) store.Mutation{"lines": store.Line, "rows": store.Put} {
		b.Run(name, func(b *testing.B) {
			s, err := store.Open(filepath.Join(b.TempDir(), "s"), store.Options{Create: true})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				var ticket store.Ticket
				for i := range size {
					ticket = s.Enqueue(put("t", binary.BigEndian.AppendUint64(nil, uint64(n*size+i)), line))
				}
				if err := ticket.Wait(b.Context()); err != nil {
					b.Fatal(err)
				}
				rows, err := s.Page("t", nil, nil, size)
				if err != nil {
					b.Fatal(err)
				}
				mutations := make([]store.Mutation, len(rows))
				for i, row := range rows {
					mutations[i] = store.Delete("t", row.Key)
				}
				if err := s.Commit(b.Context(), mutations...); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
